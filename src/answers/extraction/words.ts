/** Words that announce answers, as sources of regular expressions. */

const EDGE = String.raw`(?![\p{L}\p{M}])`;
/** Of languages that write decimal commas. */
export const ANSWER_WITH_COMMAS =
  'antwort|lösung|ergebnis|réponse|résultat|respuesta|resultado|resposta|risposta|risultato|antwoord|svar(?:et)?|resultat(?:et)?|vastaus|vastus|odpowiedź|wynik|результат|sonuç|hasil|tulos|eredmény|odpověď|odpoveď|odgovor|atsakymas|atbilde|válasz|răspuns(?:ul)?|cevap|yanıt|jawaban(?:nya)?|đáp (?:án|số)|câu trả lời|ответ|відповідь|отговор|одговор|απάντηση';
const OTHER_WORDS = 'תשובה|התשובה|الجواب|الإجابة|جواب|پاسخ|उत्तर|উত্তর|பதில்|సమాధానం|คำตอบ';
const ANSWER_WORDS = `(?:final|correct) (?:result|value|solution)|(?:correct|right|best) (?:option|choice)|answers?|ans|${ANSWER_WITH_COMMAS}|${OTHER_WORDS}`;
/** Words of scripts without spaces need no boundary. */
const UNSPACED_WORDS = '答案|答え|解答|正解|正答|答|정답|답';
export const ANSWER = String.raw`(?:(?<![\p{L}\p{M}/])(?:${ANSWER_WORDS})${EDGE}|${UNSPACED_WORDS})`;
/** Of languages other than English. */
export const FOREIGN_ANSWER = `(?:${ANSWER_WITH_COMMAS}|${OTHER_WORDS}|${UNSPACED_WORDS})`;

/** `is` */
const VERBS =
  '(?:is|are|equals|(?:would|will|must|should) be|comes? (?:out )?to|ist|lautet|beträgt|est|es|son|é|è|sono|är|er|jest|je|adalah|là|равен|равно|είναι|הוא|היא|هو|هي|है|হল|คือ)';
const UNSPACED_VERBS = '是|为|為|は|은|는|이';
export const COPULA = `(?:${VERBS}${EDGE}|${UNSPACED_VERBS}|[:：=＝])`;

export const VERB = new RegExp(String.raw`(?<![\p{L}\p{M}])(?:was|were|has|have|had|costs?|weighs?|gives|yields|becomes|${VERBS.slice(3)}${EDGE}`, 'giu');

/** Before a number that says when or out of what. */
export const CIRCUMSTANCE = /(?:^|\s)(?:in|over|after|within|during|per|every|each|of the|out of|of these)\s+(?:the\s+)?$/i;

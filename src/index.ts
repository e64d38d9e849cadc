/**
 * Latency-aware test-time scaling of language models.
 *
 * @module
 */
export { BestOfN, type BestOfNOptions, type BestOfNResult } from './strategies/best-of-n.ts';
export { FirstFinish, type FirstFinishOptions, type FirstFinishResult } from './strategies/first-finish.ts';
export { SelfConsistency, type SelfConsistencyOptions, type SelfConsistencyResult } from './strategies/self-consistency.ts';
export {
  confidenceWeights,
  meanLogprobWeights,
  rewardWeights,
  selfCertaintyWeights,
  type ConfidenceWeights,
  type ConfidenceWeightsOptions,
  type RewardWeights,
  type RewardWeightsOptions,
  type SelfCertaintyWeightsOptions,
  type VoteWeights,
} from './strategies/vote-weights.ts';
export {
  launchAtOnce,
  launchDoubling,
  launchWindows,
  type LaunchDoublingOptions,
  type LaunchScheduleName,
  type LaunchWindowsOptions,
} from './strategies/launch-schedule.ts';
export {
  anytimeValidDecision,
  betaDecision,
  dirichletDecision,
  exactDecision,
  noDecision,
  type AnytimeValidDecisionOptions,
  type DirichletDecisionOptions,
  type EarlyDecisionName,
  type PosteriorDecisionOptions,
} from './maths/early-decision.ts';
export { betaPosterior, dirichletPosterior, expectedWindowBranches, mixtureEvidence, type WindowOptions } from './maths/vote-evidence.ts';
export type { ScoringCoverage, ScoringOptions } from './strategies/branch-scores.ts';
export type { SolutionSourceOptions } from './strategies/solutions.ts';
export type { WeighedVotes } from './strategies/solution-vote.ts';
export { cascade, type CascadeOptions, type CascadeResult, type CascadeStage } from './strategies/cascade.ts';
export { withFallback, type FallbackResult, type FallbackRung, type PassedRung } from './strategies/with-fallback.ts';
export { BudgetForcing, type BudgetForcingOptions, type BudgetForcingResult } from './strategies/budget-forcing.ts';
export type { ThinkingReport } from './strategies/thinking.ts';
export { DeepConf, type DeepConfOptions, type DeepConfResult, type TraceReport } from './strategies/deep-conf.ts';
export { ProbeAndExit, type ProbeAndExitOptions, type ProbeAndExitResult } from './strategies/probe-and-exit.ts';
export type { ProbedLineReport, ProbeReport } from './strategies/probed-line.ts';
export { LlmSelector, type LlmSelectorOptions, type LlmSelectorResult } from './strategies/llm-selector.ts';
export { SelfRefine, type RefineRound, type SelfRefineOptions, type SelfRefineResult } from './strategies/self-refine.ts';
export { StepSpeculation, type StepSpeculationOptions, type StepSpeculationResult } from './strategies/step-speculation.ts';
export type { SpeculatedStep } from './strategies/speculated-line.ts';
export type { NestedRun } from './strategies/nested-runs.ts';
export type { ForcedAnswerOptions } from './strategies/forced-answer.ts';
export type { SolutionOptions } from './strategies/solution-policy.ts';
export { BeamSearch, type BeamSearchOptions } from './strategies/beam-search.ts';
export type { SolutionSelection, TreeOptions } from './strategies/tree/tree-options.ts';
export type { ScoredSolution, TreeSearchResult } from './strategies/tree/tree-result.ts';
export { DiverseTreeSearch, type DiverseTreeSearchOptions } from './strategies/diverse-tree-search.ts';
export { Rebase, type RebaseOptions } from './strategies/rebase.ts';
export { ParticleFilter, type ParticleFilterOptions } from './strategies/particle-filter.ts';
export { SpeculativeRejection, type SpeculativeRejectionOptions } from './strategies/speculative-rejection.ts';
export { MonteCarloTreeSearch, type MonteCarloTreeSearchOptions } from './strategies/monte-carlo-tree-search.ts';

export { Decoder, type DecoderOptions } from './engines/decoder.ts';
export { SpeculativeDecoder, type SpeculativeDecoderOptions } from './engines/speculative-decoder.ts';
export { openaiCompatibleEngine, type OpenAICompatibleEngine } from './engines/remote/openai-compatible-engine.ts';
export type { HedgeOptions, OpenAICompatibleOptions } from './engines/remote/remote-options.ts';
export type { EndpointLatency, FirstTokenCosts, TokenCosts } from './engines/remote/endpoint-latency.ts';
export { profileEndpoint, type ProfileEndpointOptions } from './engines/remote/profile-endpoint.ts';
export { probeCancellation, type CancellationProbe, type ProbeCancellationOptions } from './engines/remote/probe-cancellation.ts';
export type { ServerDraftOptions } from './engines/remote/request-body.ts';
export type { ServerName } from './servers/dialects.ts';
export type { ServerOptions } from './servers/server-client.ts';
export type { DrafterName } from './engines/load-engine.ts';
export type { Verification } from './engines/local/lane.ts';
export type { ThreadOptions } from './engines/threaded-engine.ts';
export type { ThreadChoice } from './port/thread-choice.ts';
export type { WebWorker } from './port/web-worker.ts';
export type { LoadableModel, LocalModel, ModelWorker, WorkerPort } from './models/local-model.ts';
export { loadOnnxModel } from './web/load-onnx-model.ts';
export type { LoadOnnxGraphOptions, LoadOnnxModelOptions, LoadProgress, OnnxDevice, OnnxDtype } from './models/onnx-model-options.ts';
export { loadOnnxClassifier, type LocalClassifier } from './models/load-onnx-classifier.ts';
export type { TextClassifier } from './models/onnx-classifier.ts';
export { HubTokenizer, type TokenizerFiles } from './models/hub-tokenizer.ts';
export { DeviceTokenModel, type DeviceSessions, type DeviceTokenModelOptions } from './models/device-token-model.ts';
export { NativeTokenModel, type NativeTokenModelOptions } from './models/native-token-model.ts';
export { bundledModels, type BundledModelName, type BundledModelProgress, type BundledModels, type BundledModelsOptions } from './web/bundled-models.ts';
export type { FetchOptions, FetchProgress } from './web/fetch-file.ts';
export type { WasmPaths, WebDevice, WebRuntimeOptions } from './web/web-runtime.ts';

export { CausalPrmScorer, type CausalPrmScorerOptions, type InlineLayout, type TurnLayout } from './scoring/causal-prm-scorer.ts';
export { ClassifierPrmScorer, type ClassifierPrmScorerOptions } from './scoring/classifier-prm-scorer.ts';
export { LlmJudgeScorer, type JudgeOptions } from './scoring/llm-judge-scorer.ts';
export type { ConcurrencyOptions } from './scoring/one-by-one.ts';
export { OrmScorer, type OrmScorerOptions } from './scoring/orm-scorer.ts';
export { PrmScorer, type PrmScorerOptions } from './scoring/prm-scorer.ts';
export type { LocalScoringOptions } from './scoring/scoring.ts';
export type { BatchOptions, ScoringErrorListener } from './scoring/scoring-queue.ts';
export {
  serverOutcomeScorer,
  serverStepScorer,
  type PoolingLayout,
  type ServerOutcomeScorerOptions,
  type ServerStepScorerOptions,
} from './scoring/server-scorers.ts';
export type { TokenModelScoringOptions } from './scoring/token-model-scoring.ts';
export { pairwiseTournament, TournamentScorer, type TournamentOptions, type TournamentResult } from './scoring/tournament-scorer.ts';
export { verifierScorer, type Verifier, type VerifierRequest, type VerifierScorerOptions } from './scoring/verifier-scorer.ts';
export { aggregateSteps, type StepAggregation } from './maths/aggregate-steps.ts';
export {
  aggregateConfidence,
  confidenceOf,
  groupConfidences,
  meanLogprobOf,
  meanSelfCertaintyOf,
  tokenConfidences,
  type ConfidenceAggregation,
  type ConfidenceOptions,
  type ConfidenceSegment,
} from './maths/token-confidence.ts';

export { branchesThatFit, type BranchMemory } from './planning/profile/branches-that-fit.ts';
export { chooseDraftLength, roundMs, type DraftChoice, type RoundShape } from './planning/profile/draft-choice.ts';
export { decodeFluid, type FluidOptions, type FluidRun, type LengthDistribution } from './planning/profile/fluid-decoding.ts';
export { fitRoofline, type FittedConstant, type MeasuredPass, type RooflineFit } from './planning/profile/fit-roofline.ts';
export { HARDWARE, type Hardware, type HardwareName } from './planning/profile/hardware.ts';
export { describeMachine } from './planning/profile/describe-machine.ts';
export { describeEngine, profileEngine, type ProfileEngineOptions, type ProfileProgress } from './planning/profile/profile-engine.ts';
export { loadProfile, MeasuredProfile, type LoadProfileOptions, type ProfileExpectation } from './planning/profile/measured-profile.ts';
export { MODEL_SHAPES, type ModelShape, type ModelShapeName } from './planning/profile/model-shapes.ts';
export type { MachineIdentity, ProfileData, ProfilePart, ProfilePoint } from './planning/profile/profile-data.ts';
export { rooflineProfile, RooflineProfile, type RooflineOptions } from './planning/profile/roofline-profile.ts';
export { ReplayBank } from './engines/replay/replay-bank.ts';
export { recordedOutcomes, type DraftOutcomes } from './engines/replay/draft-outcomes.ts';
export { ReplayEngine, type ReplayEngineOptions } from './engines/replay/replay-engine.ts';
export { LatencyOptimizer, type FitOptions } from './planning/optimizer/latency-optimizer.ts';
export { Plan, type PlanResult, type PlanRunRequest } from './planning/optimizer/plan.ts';
export { BatchPlan, type BatchOutcome, type BatchRequest, type BatchRunRequest } from './planning/optimizer/batch-plan.ts';
export type { BindingConstraint, FrontierPoint, PlanExplanation } from './planning/optimizer/explain-plan.ts';
export { LATENCY_LEVELS, type FittedCandidate, type FittedPlans, type FittedPoint } from './planning/optimizer/fitted-plans.ts';
export { describeSpec, type PlannedStrategy, type PlanParts, type PlanSpec } from './planning/optimizer/plan-spec.ts';
export type { SpecGridOptions } from './planning/optimizer/candidate-specs.ts';
export { measureCandidate, type MeasureCandidateOptions } from './planning/optimizer/measure-candidate.ts';
export type { PlanPriors } from './planning/optimizer/prior-fit.ts';
export type { SearchProgress } from './planning/optimizer/search-plans.ts';
export type { Choice, PlanPrediction, SolveRequest } from './planning/optimizer/solve-plan.ts';
export type { PlanKnowledge } from './planning/control/plan-knowledge.ts';
export type { ControlledRun } from './planning/control/run-spec.ts';
export { ReplayScorer } from './engines/replay/replay-scorer.ts';
export { importTraces, type ImportedText, type ImportTracesOptions } from './planning/traces/import-traces.ts';
export { recordTraces, type RecordTracesOptions } from './planning/traces/record-traces.ts';
export { formatTrace, parseTraces } from './planning/traces/trace-lines.ts';

export { canonicalAnswer } from './answers/canonical-answer.ts';
export { equivalent } from './answers/equivalent.ts';
export {
  answerAfterHashes,
  boxedAnswer,
  choiceAnswer,
  codeAnswer,
  explicitAnswer,
  extractAnswer,
  firstOf,
  jsonAnswer,
  lastNumber,
  statedAnswer,
  type AnswerKind,
  type ExtractAnswerOptions,
} from './answers/extract-answer.ts';
export { groupAnswers } from './answers/group-answers.ts';
export { countVotes, isDecided, type AnswerVotes } from './answers/vote.ts';

export { RunEvents } from './runtime/run-events.ts';
export { SimulatedClock } from './runtime/simulated-clock.ts';
export { systemClock } from './runtime/system-clock.ts';

export {
  ChatTemplateError,
  ContextLengthError,
  DeviceLostError,
  DeviceMemoryError,
  DisposedError,
  InfeasiblePlanError,
  InvalidOptionError,
  isLatencyTtsError,
  LatencyTtsError,
  LocalRuntimeMissingError,
  ModelError,
  ModelLoadError,
  ModelMemoryError,
  NoCandidateError,
  ProfileMismatchError,
  NotRecordedError,
  ServerError,
  type ServerErrorKind,
  VocabularyMismatchError,
  type NearestFeasible,
} from './errors.ts';

export type { AnswerEquivalence, AnswerExtractor } from './contracts/answer.ts';
export type { Clock } from './contracts/clock.ts';
export type {
  AdvanceOptions,
  Branch,
  BranchOptions,
  BranchProgress,
  DecidedDraft,
  DraftOutcome,
  Engine,
  EngineCapabilities,
  EngineUsage,
  SamplingOptions,
  Segment,
  ServerUsage,
  Session,
  SessionOptions,
  SpeculationUsage,
} from './contracts/engine.ts';
export type { EventBase, PlanChange, RunEventMap } from './contracts/event.ts';
export type {
  EngineAnatomy,
  LatencyProfile,
  MeasureOptions,
  MemoryBudget,
  MeteredPart,
  ModelIdentity,
  PassMeter,
  PassShape,
  ProfiledPart,
} from './contracts/profile.ts';
export type { Message, Prompt } from './contracts/prompt.ts';
export type { Strategy, StrategyRequest } from './contracts/strategy.ts';
export type { BranchReport, RunTiming, StopReason, StrategyResult } from './contracts/result.ts';
export type { OutcomeScorer, ScoredText, ScoreOptions, StepScorer } from './contracts/scorer.ts';
export type { ForwardRow, Logits, TokenModel, TokenSequence } from './contracts/token-model.ts';
export type { BranchTrace, DraftRunTrace, ProbeTrace, ProblemTrace, TokenRecord, TraceProblem } from './contracts/trace.ts';
export type { Tokenizer } from './contracts/tokenizer.ts';
export type { AnswerTally, EarlyDecision, LaunchSchedule, LaunchStep, VoteState } from './contracts/vote.ts';

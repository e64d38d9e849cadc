/** Draws plots with vega, which is installed here and not in the project. */
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

/**
 * @param {object} specification - A vega-lite specification with its data.
 * @returns {Promise<string>} the plot as SVG.
 */
export async function renderPlot(specification) {
  const { spec } = compile(/** @type {import('vega-lite').TopLevelSpec} */ (specification));
  return new View(parse(spec), { renderer: 'none' }).toSVG();
}

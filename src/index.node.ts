/**
 * The package root in Node: everything of the portable root, and models from the file system.
 *
 * @module
 */
export * from './index.ts';
export { bundledModels, type BundledModelsOptions } from './node/bundled-models.ts';
export { loadModel, loadOnnxClassifier, loadOnnxModel, type LoadModelOptions, type NodeDevice } from './node/load-model.ts';
export { describeMachine, profileEngine } from './node/profile-engine.ts';

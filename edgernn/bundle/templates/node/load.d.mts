import type { Model } from './runtime.mjs';

/** A model of this app and its golden vectors. */
export function loadModel(name: string): Promise<{ model: Model; golden: unknown }>;

// What the interpreter takes from vega-util, which the script of vega has with it.
export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;

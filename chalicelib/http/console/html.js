/** Preact with htm: markup in template literals, without a build step. */

import { Component, h, render } from "./preact.js";
import htm from "./htm.js";

export const html = htm.bind(h);
export { Component, render };
export { useEffect, useLayoutEffect, useMemo, useRef, useState } from "./hooks.js";

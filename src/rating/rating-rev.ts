/**
 * The revision of the rating rules, stored with each rated line. It goes up with every change that could alter an amount or a
 * breakdown; a line is only ever computed again by the revision it names (line-of-revision.ts has what earlier ones differ in).
 */
export const RATING_REV = 2;

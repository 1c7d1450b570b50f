/** Control characters and DEL: CloudEvents allows none in a string attribute. */
// eslint-disable-next-line no-control-regex -- the control characters are the point
export const CONTROL_CHARACTER = /[\u0000-\u001f\u007f-\u009f]/;

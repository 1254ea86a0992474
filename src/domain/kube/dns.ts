/** The two forms that names of objects have (RFC 1123 as Kubernetes reads it, "Object Names and IDs"). The fake checks by its own. */

const LABEL = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/u;

/** Whether this is a DNS label, such as the name of a namespace: at most 63 lower case letters, digits and dashes. */
export const isDnsLabel = (text: string): boolean => text.length <= 63 && LABEL.test(text);

/** Whether this is a DNS subdomain, the name of most objects: labels of any length joined by dots, at most 253 characters. */
export const isDnsSubdomain = (text: string): boolean =>
  text.length <= 253 && text.split(".").every((part) => LABEL.test(part));

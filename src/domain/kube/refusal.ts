/** What a person can do about an object that the API server refuses, for the policies of Kubernetes itself. */

/** What refuses, as the server words it, and what to do. */
const ADVICE: ReadonlyArray<readonly [words: string, advice: string]> = [
  [
    "violates PodSecurity",
    "label the namespace pod-security.kubernetes.io/enforce: privileged, or use one that allows privileged Pods",
  ],
  ["exceeded quota", "raise the quota, or wait until it has room"],
  ["failed quota", "add a LimitRange with defaults to the namespace, or lift the quota"],
];

/** The server's sentence, followed by what to do where that is known. */
export const advised = (refusal: string): string => {
  const advice = ADVICE.find(([words]) => refusal.includes(words))?.[1];
  return advice === undefined ? refusal : `${refusal}; ${advice}`;
};

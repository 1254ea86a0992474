/** What a failed connection means, in words that say which host and what to check. */
import { Predicate } from "effect";
import { Unreachable } from "../KubeError.ts";
import type { KubeRequest, WatchRequest } from "../KubeTransport.ts";
import { describeRequest } from "../statusError.ts";
import { wordsOf } from "./LiveConfigError.ts";

const WRONG_CA =
  "has a certificate that the kubeconfig's CA did not sign; check certificate-authority-data and the address";

/** By the `code` of errors of Node, OpenSSL and undici. */
const MEANING: Readonly<Record<string, string>> = {
  ECONNREFUSED: "refuses connections; is the API server running, and is this its address?",
  ENOTFOUND: "has a name that cannot be resolved; check the server of the kubeconfig and DNS",
  EAI_AGAIN: "has a name that cannot be resolved now; check DNS",
  UND_ERR_CONNECT_TIMEOUT: "cannot be connected in time; check the address, routes and firewalls",
  ETIMEDOUT: "does not answer any more; check the address, routes and firewalls",
  EHOSTUNREACH: "cannot be reached; check the address, routes and firewalls",
  ENETUNREACH: "cannot be reached; check the network of this machine",
  ECONNRESET:
    "cut the connection; is it restarting, or is it behind a proxy that closes connections?",
  UND_ERR_SOCKET:
    "cut the connection; is it restarting, or is it behind a proxy that closes connections?",
  EPIPE: "cut the connection; is it restarting, or is it behind a proxy that closes connections?",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: WRONG_CA,
  UNABLE_TO_GET_ISSUER_CERT: WRONG_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: WRONG_CA,
  SELF_SIGNED_CERT_IN_CHAIN: WRONG_CA,
  DEPTH_ZERO_SELF_SIGNED_CERT: WRONG_CA,
  CERT_SIGNATURE_FAILURE: WRONG_CA,
  CERT_HAS_EXPIRED: "has a certificate that has expired; renew it, or check this machine's clock",
  CERT_NOT_YET_VALID: "has a certificate that is not valid yet; check this machine's clock",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "has a certificate for other names; use one of them, or set tls-server-name in the kubeconfig",
};

interface Fault {
  readonly code: string;
  readonly syscall: string;
  readonly thrown: unknown;
}

/** The innermost error that has a code: libraries wrap it, and several addresses of one name fail together. */
const faultOf = (thrown: unknown): Fault => {
  let fault: Fault = { code: "", syscall: "", thrown };
  for (let error = thrown; Predicate.isObject(error); error = Reflect.get(error, "cause")) {
    const errors: unknown = Reflect.get(error, "errors");
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const source: object = Predicate.isObject(first) ? first : error;
    const code: unknown = Reflect.get(source, "code");
    const syscall: unknown = Reflect.get(source, "syscall");
    if (typeof code === "string")
      fault = { code, syscall: typeof syscall === "string" ? syscall : "", thrown: source };
  }
  return fault;
};

/** A connection that was never made carried nothing. */
const isUnsent = ({ code, syscall }: Fault): boolean =>
  syscall === "connect" || syscall === "getaddrinfo" || code === "UND_ERR_CONNECT_TIMEOUT";

/** The typed error of a request whose connection failed; `thrown` is what the HTTP client says. */
export const networkError = (
  request: KubeRequest | WatchRequest,
  server: string,
  thrown: unknown,
): Unreachable => {
  const fault = faultOf(thrown);
  const meaning = MEANING[fault.code];
  const detail =
    meaning === undefined
      ? `${server} cannot be talked to: ${wordsOf(fault.thrown)}; check its address, and whether it is http or https`
      : `${server} ${meaning} (${fault.code})`;
  return new Unreachable({
    request: describeRequest(request),
    detail,
    ...(isUnsent(fault) ? { sent: false } : {}),
  });
};

/** The typed error of a request that was not answered in time. */
export const timeoutError = (
  request: KubeRequest | WatchRequest,
  server: string,
  millis: number,
): Unreachable =>
  new Unreachable({
    request: describeRequest(request),
    detail: `${server} did not answer within ${millis / 1000} s; is it overloaded, or does something on the way drop packets?`,
  });

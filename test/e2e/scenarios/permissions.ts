/** Last of all scenarios: what the whole run was allowed to do is what it did. */
import { readFileSync } from "node:fs";
import { expect, type Vitest } from "@effect/vitest";
import { Effect } from "effect";
import { parseAllDocuments } from "yaml";
import type { AuditEvent } from "../support/AuditTail.ts";
import { CEILING_ACCESS } from "../support/ceiling.ts";
import { E2e, INSTALLATION, OPERATOR_ACCOUNT, OPERATOR_NAMESPACE } from "../support/E2e.ts";

interface Rule {
  readonly apiGroups: ReadonlyArray<string>;
  readonly resources: ReadonlyArray<string>;
  readonly verbs: ReadonlyArray<string>;
  readonly resourceNames?: ReadonlyArray<string>;
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: ReadonlyArray<Rule>;
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: ReadonlyArray<{ readonly name: string; readonly namespace: string }>;
}

/** The audit log's annotation for what the authorizer said. */
const DECISION = "authorization.k8s.io/decision";

/** `verb resource.group` in a namespace, or in all of them; on one object, where the rule names it. */
interface Grant {
  readonly namespace: string | undefined;
  readonly about: string;
  readonly name?: string | undefined;
}

/** The installation as it is, and what one with a ceiling has besides. */
const manifests = [
  ...parseAllDocuments(readFileSync(INSTALLATION, "utf8")).map(
    (document) => document.toJS() as Manifest,
  ),
  ...(CEILING_ACCESS as ReadonlyArray<Manifest>),
];

/** What the installation grants to one of its accounts, one verb on one resource each. */
const grantsOf = (account: string): ReadonlyArray<Grant> =>
  manifests
    .filter(({ subjects }) => subjects?.some(({ name }) => name === account))
    .flatMap(({ roleRef, metadata: { namespace } }) =>
      manifests
        .filter(
          ({ kind, metadata }) =>
            kind === roleRef?.kind &&
            metadata.name === roleRef.name &&
            (kind === "ClusterRole" || metadata.namespace === namespace),
        )
        .flatMap(({ rules = [] }) => rules)
        .flatMap(({ apiGroups, resources, verbs, resourceNames = [undefined] }) =>
          apiGroups.flatMap((group) =>
            resources.flatMap((resource) =>
              verbs.flatMap((verb) =>
                resourceNames.map((name) => ({
                  namespace,
                  about: `${verb} ${resource}.${group}`,
                  name,
                })),
              ),
            ),
          ),
        ),
    );

const usedBy = ({ verb, objectRef = {} }: AuditEvent): Grant => {
  const { resource = "", subresource, apiGroup = "", namespace, name } = objectRef;
  const about = subresource === undefined ? resource : `${resource}/${subresource}`;
  return { namespace, about: `${verb} ${about}.${apiGroup}`, name };
};

/**
 * Not a request of its own: the admission plugin OwnerReferencesPermissionEnforcement, which is on here, asks for it when an
 * object with a blocking owner is created.
 */
const ASKED_BY_ADMISSION = /^update nodeop(?:upgrade)?s\/finalizers\.operator\.kairos\.io$/u;

const isForbidden = ({ annotations }: AuditEvent): boolean => annotations?.[DECISION] === "forbid";

/** An API server that has just started refuses what it has not read the Roles for yet: the same request is allowed then. */
const isAllowedLater = (refused: AuditEvent, later: ReadonlyArray<AuditEvent>): boolean =>
  later.some(
    (event) =>
      event.verb === refused.verb &&
      event.requestURI === refused.requestURI &&
      event.annotations?.[DECISION] === "allow",
  );

export const permissions = (it: Vitest.MethodsNonLive<E2e>): void => {
  it.effect.each([OPERATOR_ACCOUNT, "kairos-node-labeler"])(
    "%s used everything that it is granted, and was refused nothing",
    (account) =>
      Effect.gen(function* () {
        const { audit } = yield* E2e;
        const username = `system:serviceaccount:${OPERATOR_NAMESPACE}:${account}`;
        const events = audit.read().filter(({ user }) => user.username === username);
        // What admission refuses is a 403 too, as a Pod in a namespace that is being deleted.
        const refused = events.filter(
          (event, index) => isForbidden(event) && !isAllowedLater(event, events.slice(index)),
        );
        expect(refused.map(({ requestURI, verb }) => `${verb} ${requestURI}`)).toEqual([]);
        const used = events
          .filter(({ objectRef }) => objectRef !== undefined)
          .map((event) => usedBy(event));
        const unused = grantsOf(account).filter(
          ({ namespace, about, name }) =>
            !ASKED_BY_ADMISSION.test(about) &&
            !used.some(
              (one) =>
                one.about === about &&
                (namespace === undefined || one.namespace === namespace) &&
                (name === undefined || one.name === name),
            ),
        );
        expect(unused).toEqual([]);
      }),
  );

  it.effect("reboot agents used everything that they are granted, and nothing else", () =>
    Effect.gen(function* () {
      const { audit } = yield* E2e;
      const events = audit
        .read()
        .filter(({ user }) => /^system:serviceaccount:.*-reboot-agent-\w{5}$/u.test(user.username));
      // What a scenario asks kubectl in their name (auth can-i) is not theirs.
      const requests = events.filter(
        ({ objectRef }) =>
          objectRef !== undefined && !objectRef.resource?.startsWith("selfsubject"),
      );
      const used = new Set(requests.map((event) => usedBy(event).about));
      expect(used).toEqual(new Set(["get pods.", "watch pods.", "patch pods."]));
    }),
  );
};

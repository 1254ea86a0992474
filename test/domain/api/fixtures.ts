/** Objects as an API server returns them, for the tests of this folder. */
const metadata = {
  name: "kairos-upgrade",
  namespace: "default",
  uid: "5f0c5b0e-1111-4222-8333-444455556666",
  resourceVersion: "7",
  generation: 1,
  creationTimestamp: "2026-01-31T09:30:00Z",
};

export const TIME = "2026-01-31T09:30:00Z";

/** A NodeOp with this spec, and a status when one is given. */
export const nodeOp = (spec: unknown, rest: object = {}) => ({
  apiVersion: "operator.kairos.io/v1alpha1",
  kind: "NodeOp",
  metadata,
  spec,
  ...rest,
});

/** A NodeOpUpgrade with this spec. */
export const nodeOpUpgrade = (spec: unknown, rest: object = {}) => ({
  ...nodeOp(spec, rest),
  kind: "NodeOpUpgrade",
});

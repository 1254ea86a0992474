/**
 * Cells on which the fake differs from a real server on purpose, with the reason. docs/fake.md lists them too. That they
 * still differ is tested, so that the list cannot go stale.
 */
export const differences: Readonly<Record<string, string>> = {
  "create × namespace that does not exist":
    "Namespaces need not exist: no program of ours makes any, and simulations would have to.",
  "create Node × answer":
    "Nodes are not tainted on creation, and status has no fields that nobody has set: no node lifecycle controller would take the taint away again.",
  "update × nothing changes, but the default of status was never stored":
    "The first write after a creation is no write if it changes nothing: a real server stores the default of status by it, once.",
};

/** A node that a person cordoned stays theirs (design.md §4, hold and cordon; reliability.md S15 as restated in (f)). */
import type { Law } from "../law.ts";
import { isOperator } from "../ledger/Ledger.ts";

export const onlyOurCordons: Law = {
  law: "OnlyOurCordons",
  says: "The operator uncordons a Node only where the cordon is its own: made or taken over by that operation on that Node, its annotation still there.",
  monitor: ({ ledger, report }) => ({
    Cordoned: ({ node, signed, commit }) => {
      if (!isOperator(commit.actor)) return;
      if (signed === undefined)
        report(`the operator cordoned node ${node.name} without signing it`);
      else if (node.cordonOf !== signed)
        report(
          `the operator signed the cordon of node ${node.name} for ${ledger.nameOf(signed)}, but it was not its own`,
        );
    },
    Uncordoned: ({ node, cordonOf, signed, commit }) => {
      if (!isOperator(commit.actor)) return;
      if (signed === undefined)
        report(`the operator uncordoned node ${node.name}, whose cordon nobody of ours had signed`);
      else if (cordonOf !== signed)
        report(
          `the operator removed from node ${node.name} a cordon signed by ${ledger.nameOf(signed)} that ${cordonOf === undefined ? "was not made by the operator" : `was made by ${ledger.nameOf(cordonOf)}`}`,
        );
    },
  }),
};

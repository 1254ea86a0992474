/** All laws, in the order in which people read them: order and bounds, one upgrade, reboots, stopping, cleaning up, truth. */
import type { Law } from "./law.ts";
import { ceiling } from "./laws/ceiling.ts";
import { childIdentity } from "./laws/childIdentity.ts";
import { completedMeansDone } from "./laws/completedMeansDone.ts";
import { concurrency } from "./laws/concurrency.ts";
import { controlPlanesAvailable } from "./laws/controlPlanesAvailable.ts";
import { controlPlanesFirst } from "./laws/controlPlanesFirst.ts";
import { detachedFirst } from "./laws/detachedFirst.ts";
import { drainedFirst } from "./laws/drainedFirst.ts";
import { deadlinesOnTime } from "./laws/deadlinesOnTime.ts";
import { endedJobsRest } from "./laws/endedJobsRest.ts";
import { everyTargetAttempted } from "./laws/everyTargetAttempted.ts";
import { goneNodesFreeSlots } from "./laws/goneNodesFreeSlots.ts";
import { heldNodesDoNotFail } from "./laws/heldNodesDoNotFail.ts";
import { logsStay } from "./laws/logsStay.ts";
import { neverEvictsOurs } from "./laws/neverEvictsOurs.ts";
import { noBudgetBroken } from "./laws/noBudgetBroken.ts";
import { noCordonLeft } from "./laws/noCordonLeft.ts";
import { noGrantAfterDeletion } from "./laws/noGrantAfterDeletion.ts";
import { noPodLost } from "./laws/noPodLost.ts";
import { noRebootAfterEnd } from "./laws/noRebootAfterEnd.ts";
import { noRebootAfterFailedScript } from "./laws/noRebootAfterFailedScript.ts";
import { noRebootBeforeComplete } from "./laws/noRebootBeforeComplete.ts";
import { oneJobPerNode } from "./laws/oneJobPerNode.ts";
import { onePodPerUpgrade } from "./laws/onePodPerUpgrade.ts";
import { oneReboot } from "./laws/oneReboot.ts";
import { onlyOurCordons } from "./laws/onlyOurCordons.ts";
import { onlySelectedNodes } from "./laws/onlySelectedNodes.ts";
import { quietAfterEnd } from "./laws/quietAfterEnd.ts";
import { rebootGranted } from "./laws/rebootGranted.ts";
import { rebootPodBeforeJob } from "./laws/rebootPodBeforeJob.ts";
import { restartedRebootPodInert } from "./laws/restartedRebootPodInert.ts";
import { stopOnFailure } from "./laws/stopOnFailure.ts";
import { truthfulStatus } from "./laws/truthfulStatus.ts";
import { unreadyGivenUp } from "./laws/unreadyGivenUp.ts";
import { workConserving } from "./laws/workConserving.ts";

/** Every law with its monitor. */
export const LAWS_WITH_MONITORS: ReadonlyArray<Law> = [
  controlPlanesFirst,
  controlPlanesAvailable,
  concurrency,
  ceiling,
  workConserving,
  rebootPodBeforeJob,
  drainedFirst,
  detachedFirst,
  oneJobPerNode,
  onePodPerUpgrade,
  noRebootBeforeComplete,
  oneReboot,
  restartedRebootPodInert,
  noRebootAfterFailedScript,
  stopOnFailure,
  everyTargetAttempted,
  unreadyGivenUp,
  goneNodesFreeSlots,
  heldNodesDoNotFail,
  deadlinesOnTime,
  onlySelectedNodes,
  neverEvictsOurs,
  onlyOurCordons,
  noCordonLeft,
  noBudgetBroken,
  noPodLost,
  rebootGranted,
  noRebootAfterEnd,
  noGrantAfterDeletion,
  endedJobsRest,
  completedMeansDone,
  quietAfterEnd,
  logsStay,
  truthfulStatus,
  childIdentity,
];

/** The laws as sentences, for reports and documentation. */
export const LAWS: ReadonlyArray<Pick<Law, "law" | "says">> = LAWS_WITH_MONITORS.map(
  ({ law, says }) => ({ law, says }),
);

/** Free ports on loopback. */
import { createServer, type Server } from "node:net";
import { Effect } from "effect";

const HOST = "127.0.0.1";

const listen = Effect.callback<Server>((resume) => {
  const server = createServer();
  server.listen(0, HOST, () => {
    resume(Effect.succeed(server));
  });
});

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
};

/** As many different ports as asked for; all are held until all are known, so that none comes twice. */
export const freePorts = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.gen(function* () {
    const servers = yield* Effect.all(
      Array.from({ length: count }, () => listen),
      { concurrency: "unbounded" },
    );
    const ports = servers.map(portOf);
    for (const server of servers) server.close();
    return ports;
  });

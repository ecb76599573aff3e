import { connect, createServer, type Socket } from "node:net";

/** A way to a server that the test can do harm to. */
export interface WayTo {
  /** As the server's own, by this way. */
  readonly url: string;
  /** As if by a crash: no word of farewell to either side. */
  cut(): void;
  /** Nothing that is sent from now on arrives, until `letGo`. */
  hold(): void;
  letGo(): void;
  close(): Promise<void>;
}

export async function openWayTo(url: string): Promise<WayTo> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  const clients = new Set<Socket>();
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
    sockets.clear();
  };
  const proxy = createServer((socket) => {
    const onward = connect(Number(target.port), target.hostname);
    for (const end of [socket, onward]) {
      end.on("error", () => {});
      sockets.add(end);
    }
    clients.add(socket);
    // By hand, since a pipe goes on by itself when the other end has room.
    socket.on("data", (bytes) => onward.write(bytes));
    socket.on("end", () => onward.end());
    onward.pipe(socket);
  });
  await new Promise<void>((resolve) => {
    proxy.listen(0, "127.0.0.1", resolve);
  });
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port");
  const byProxy = new URL(url);
  byProxy.host = `127.0.0.1:${address.port}`;
  return {
    url: byProxy.href,
    cut,
    hold: () => {
      for (const socket of clients) socket.pause();
    },
    letGo: () => {
      for (const socket of clients) socket.resume();
    },
    close: () =>
      new Promise<void>((resolve) => {
        proxy.close(() => resolve());
        cut();
      }),
  };
}

/** A network between the edge and its log that can be slow, silent or cut, connection by connection. */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

export type Weather =
  | "fair"
  /** Every packet takes this long, milliseconds. */
  | { readonly delayMs: number }
  /** Packets are swallowed: nobody answers, and nobody hangs up either. */
  | "silent"
  /** Connections are reset, and new ones too. */
  | "cut";

export class FaultyProxy {
  readonly #target: URL;
  readonly #server = createServer((socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #weather: Weather = "fair";
  #changed = Promise.withResolvers<void>();

  private constructor(target: URL) {
    this.#target = target;
  }

  /** Stands before the server that a URL names. */
  static async before(url: string): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(new URL(url));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** The URL of the same server, through this. */
  get url(): string {
    const url = new URL(this.#target);
    const address = this.#server.address();
    url.port = typeof address === "object" ? String(address?.port) : "";
    return url.href;
  }

  set weather(weather: Weather) {
    this.#weather = weather;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    if (weather !== "cut") return;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.weather = "cut";
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(client: Socket): void {
    if (this.#weather === "cut") {
      client.resetAndDestroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    void this.#carry(client, server);
    void this.#carry(server, client);
  }

  async #carry(from: Socket, to: Socket): Promise<void> {
    this.#sockets.add(from);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    try {
      for await (const chunk of from) {
        await this.#passage();
        if (!to.write(chunk)) await once(to, "drain");
      }
      to.end();
    } catch {
      // Cut in the middle; both ends have heard.
    }
  }

  async #passage(): Promise<void> {
    while (this.#weather === "silent") await this.#changed.promise;
    if (typeof this.#weather === "object") await wait(this.#weather.delayMs);
  }
}

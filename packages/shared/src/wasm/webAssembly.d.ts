/**
 * What `hmacSha256.ts` and `lineIndex.ts` use of WebAssembly's JavaScript interface. Every runtime has it; TypeScript
 * has its types among those of the DOM only. Written as there, so that the two merge.
 */
declare namespace WebAssembly {
  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  var Memory: {
    prototype: Memory;
    new (descriptor: { initial: number; maximum?: number }): Memory;
  };
  interface Module {
    readonly [Symbol.toStringTag]?: string;
  }
  var Module: {
    prototype: Module;
    new (bytes: Uint8Array<ArrayBuffer>): Module;
  };
  interface Instance {
    readonly exports: Record<string, unknown>;
  }
  var Instance: {
    prototype: Instance;
    new (module: Module, importObject?: Record<string, Record<string, unknown>>): Instance;
  };
}

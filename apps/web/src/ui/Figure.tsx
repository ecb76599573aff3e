"use client";
import * as Popover from "radix-ui/popover";
import {
  createContext,
  type ReactNode,
  type SyntheticEvent,
  useContext,
  useId,
  useMemo,
  useRef,
  useState,
} from "react";
import { cn } from "./cn.ts";
import { FINALITY_MEANS, type Finality, FinalityBadge } from "./FinalityBadge.tsx";

/** What stands behind a number. */
export interface FigureFacts {
  readonly finality: Finality;
  /** When the number was true, in words and in the account's zone. */
  readonly asOf: string;
  /** Which store answered, in words. */
  readonly store: string;
  /** What else must be known: sampled, partial, versions. */
  readonly note?: string;
}

interface OpenCard {
  readonly element: HTMLElement;
  readonly facts: FigureFacts;
}

interface Cards {
  readonly id: string;
  readonly open: (card: OpenCard) => void;
  readonly close: () => void;
}

const CardsContext = createContext<Cards | null>(null);
const FactsContext = createContext<FigureFacts | null>(null);

/** Facts of every `<Figure>` below that brings none of its own. */
export const FactsProvider = FactsContext.Provider;

/**
 * Holds the one card that all figures of the page share: a table of a thousand numbers costs a
 * thousand spans and no more.
 */
export function FigureCardProvider({ children }: { readonly children: ReactNode }) {
  const id = useId();
  const [card, setCard] = useState<OpenCard | null>(null);
  const anchor = useRef<HTMLElement | null>(null);
  anchor.current = card?.element ?? null;
  const cards = useMemo(() => ({ id, open: setCard, close: () => setCard(null) }), [id]);
  return (
    <CardsContext value={cards}>
      {children}
      <Popover.Root open={card !== null}>
        {card !== null && <Popover.Anchor virtualRef={{ current: card.element }} />}
        <Popover.Portal>
          <Popover.Content
            id={id}
            role="tooltip"
            side="top"
            sideOffset={6}
            collisionPadding={12}
            onOpenAutoFocus={(event) => event.preventDefault()}
            onCloseAutoFocus={(event) => event.preventDefault()}
            className={cn(
              "fade-in pointer-events-none z-50 w-64 rounded-lg border border-line bg-surface p-3",
              "text-xs text-ink-2 shadow-pop",
            )}
          >
            {card !== null && <FactsCard facts={card.facts} />}
          </Popover.Content>
        </Popover.Portal>
      </Popover.Root>
    </CardsContext>
  );
}

function FactsCard({ facts }: { readonly facts: FigureFacts }) {
  return (
    <div className="space-y-2">
      <div>
        <FinalityBadge finality={facts.finality} />
        <p>{FINALITY_MEANS[facts.finality]}</p>
      </div>
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-0.5 border-t border-line pt-2">
        <dt className="text-ink-3">As of</dt>
        <dd>{facts.asOf}</dd>
        <dt className="text-ink-3">From</dt>
        <dd>{facts.store}</dd>
      </dl>
      {facts.note !== undefined && <p className="text-settling">{facts.note}</p>}
    </div>
  );
}

interface FigureProps {
  readonly children: ReactNode;
  readonly facts?: FigureFacts;
  /**
   * Off in dense tables, where every cell has the facts that the stamp above already tells;
   * tabbing through each of them would help nobody.
   */
  readonly focusable?: boolean;
  /** Full ink whatever its finality: where a badge beside it tells that it may still change. */
  readonly inFullInk?: boolean;
  readonly className?: string;
}

/**
 * A number of the product. Never naked: on hover or focus it tells how final it is, as of when, and
 * who counted it. What may still grow is drawn in lighter ink.
 */
export function Figure(props: FigureProps) {
  const { children, facts: own, focusable = false, inFullInk = false, className } = props;
  const inherited = useContext(FactsContext);
  const cards = useContext(CardsContext);
  const facts = own ?? inherited;
  const look = cn("tabular-nums", !inFullInk && mayStillChange(facts) && "text-ink-2", className);
  if (facts === null || cards === null) return <span className={look}>{children}</span>;

  const open = (event: SyntheticEvent<HTMLElement>) =>
    cards.open({ element: event.currentTarget, facts });
  const handlers = { onPointerEnter: open, onPointerLeave: cards.close };
  if (!focusable) {
    return (
      <span className={look} data-finality={facts.finality} {...handlers}>
        {children}
      </span>
    );
  }
  return (
    <button
      type="button"
      className={cn("cursor-default text-left", look)}
      data-finality={facts.finality}
      aria-describedby={cards.id}
      onFocus={open}
      onBlur={cards.close}
      {...handlers}
    >
      {children}
    </button>
  );
}

function mayStillChange(facts: FigureFacts | null): boolean {
  return facts?.finality === "live" || facts?.finality === "settling";
}

"use client";
import { Check, Copy } from "lucide-react";
import { useState } from "react";
import { Button } from "./Button.tsx";

const CONFIRMATION_MS = 1_500;

interface CopyButtonProps {
  /** Made only when asked for. */
  readonly text: string | (() => string);
  /** What is copied, for those who do not see the icon: "Copy hash". */
  readonly label: string;
  readonly showLabel?: boolean;
}

export function CopyButton({ text, label, showLabel = false }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === "string" ? text : text());
    setCopied(true);
    setTimeout(() => setCopied(false), CONFIRMATION_MS);
  };
  const Icon = copied ? Check : Copy;
  return (
    <Button
      variant="ghost"
      size="sm"
      aria-label={copied ? "Copied" : label}
      title={label}
      onClick={copy}
    >
      <Icon size={13} aria-hidden />
      {showLabel && (copied ? "Copied" : label)}
    </Button>
  );
}

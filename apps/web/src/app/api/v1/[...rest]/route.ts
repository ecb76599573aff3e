import { errorAnswer, notFound } from "../../../../server/rest/answer.ts";

/** A script that mistypes an address gets an error in the shape of all others. */
export function GET(): Response {
  return errorAnswer(notFound("address"));
}

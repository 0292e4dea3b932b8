import type { Clock } from "../../base/clock.ts";

/** For so long an answer is given again, in milliseconds. */
const KEPT_MS = 100;

interface Asked<Answer> {
  readonly answer: Promise<Answer>;
  /** Undefined while it is under way. */
  givenAt: number | undefined;
}

/** Gives who asks while another does, or a moment later, the answer of that one. */
export class SharedAnswers<Question, Answer> {
  readonly #clock: Clock;
  readonly #asked: Map<Question, Asked<Answer>> = new Map();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a question; one that failed is not given again. */
  get(question: Question, ask: () => Promise<Answer>): Promise<Answer> {
    const last = this.#asked.get(question);
    if (last !== undefined && this.#isFresh(last)) return last.answer;
    const asked: Asked<Answer> = { answer: ask(), givenAt: undefined };
    this.#asked.set(question, asked);
    asked.answer.then(
      () => asked.givenAt = this.#clock.now(),
      () => asked.givenAt = -Infinity,
    );
    return asked.answer;
  }

  #isFresh({ givenAt }: Asked<Answer>): boolean {
    return givenAt === undefined || this.#clock.now() - givenAt < KEPT_MS;
  }
}

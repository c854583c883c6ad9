"""Probabilistic context-free grammars without recursion, for which everything is exact.

The distribution of a language model's corpus is rarely known. Of text drawn from such a grammar it is: the
probability of a sentence and of the next token, the entropy, and the grammar conditioned on never using certain
rules (P(s) / Z for every sentence that avoids them, 0 for the rest), all as finite sums.

Sums are math.fsum, correctly rounded and so the same everywhere (sum() changed with Python 3.12, and numpy's depends
on the processor): a seed gives the same sentences on every machine.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from lmbench.errors import BadConfig

Label = tuple[str, str]
END = -1
_BLOCK = 1 << 14  # uniform numbers drawn at a time


@dataclass(frozen=True)
class Rule:
    """lhs -> rhs with a weight, relative to the other rules of lhs. label: what using this rule counts as."""

    lhs: str
    rhs: tuple[str, ...]
    weight: float = 1.0
    label: Label | None = None


class Pcfg:
    """A grammar given as rules. A symbol is a nonterminal if a rule rewrites it and a token otherwise.

    tokens: the words of the grammar, sorted, T of them; a token's number is its place here
    kept:   of a conditioned grammar, the probability Z its sentences had before; 1 of any other
    """

    def __init__(self, rules: Iterable[Rule], start: str = "S", kept: float = 1.0) -> None:
        by_lhs: dict[str, list[Rule]] = defaultdict(list)
        for rule in rules:
            by_lhs[rule.lhs].append(rule)
        self.start, self.kept = start, kept
        self._order = _children_first(by_lhs, start)
        self.rules: dict[str, tuple[tuple[Rule, float], ...]] = {}
        for symbol in self._order:
            total = math.fsum(rule.weight for rule in by_lhs[symbol])
            if not total > 0 or any(rule.weight < 0 for rule in by_lhs[symbol]):
                weights = [rule.weight for rule in by_lhs[symbol]]
                raise BadConfig(
                    f"the weights of {symbol!r} are {weights}: a probability is a weight over their sum; "
                    "make every weight >= 0 and at least one > 0"
                )
            self.rules[symbol] = tuple((rule, rule.weight / total) for rule in by_lhs[symbol] if rule.weight > 0)
        words = {s for rules_ in self.rules.values() for rule, _ in rules_ for s in rule.rhs if s not in self.rules}
        self.tokens = tuple(sorted(words))

    @property
    def n_rules(self) -> int:
        """The number of rule probabilities."""
        return sum(map(len, self.rules.values()))

    def without(self, labels: Collection[Label]) -> Pcfg:
        """The grammar conditioned on no rule with one of these labels being used: exact, nothing is filtered.

        beta(A) = sum over the rules left of p(rule) * prod beta(children) is the probability that A avoids them;
        p'(rule) = p(rule) * prod beta(children) / beta(A).
        """
        beta: dict[str, float] = {}
        weighted: list[Rule] = []
        for symbol in self._order:
            new = []
            for rule, p in self.rules[symbol]:
                if rule.label is None or rule.label not in labels:
                    weight = p * math.prod(beta.get(s, 1.0) for s in rule.rhs)
                    if weight > 0:
                        new.append(Rule(rule.lhs, rule.rhs, weight, rule.label))
            beta[symbol] = math.fsum(rule.weight for rule in new)
            weighted += new
        if not beta[self.start]:
            raise BadConfig("no sentence avoids the labels held out: every derivation uses one of them; hold out fewer")
        return Pcfg(weighted, self.start, self.kept * beta[self.start])

    @cached_property
    def uses(self) -> dict[Label, float]:
        """Label -> expected number of uses of its rules in one sentence."""
        visits = dict.fromkeys(self._order, 0.0)
        visits[self.start] = 1.0
        expected: dict[Label, float] = defaultdict(float)
        for symbol in reversed(self._order):
            for rule, p in self.rules[symbol]:
                if rule.label is not None:
                    expected[rule.label] += visits[symbol] * p
                for child in rule.rhs:
                    if child in visits:
                        visits[child] += visits[symbol] * p
        return dict(expected)

    @cached_property
    def adjacent(self) -> frozenset[tuple[str, str]]:
        """Every pair of tokens that stand side by side in some sentence the grammar can produce."""
        first: dict[str, set[str]] = {token: {token} for token in self.tokens}
        last: dict[str, set[str]] = {token: {token} for token in self.tokens}
        empty: set[str] = set()  # symbols that can vanish
        pairs: set[tuple[str, str]] = set()
        for symbol in self._order:
            first[symbol], last[symbol] = set(), set()
            for rule, _ in self.rules[symbol]:
                ends: set[str] = set()  # tokens that can stand last in what is to the left
                begun = True  # whether all of that can vanish
                for part in rule.rhs:
                    pairs |= {(a, b) for a in ends for b in first[part]}
                    if begun:
                        first[symbol] |= first[part]
                    ends = last[part] | (ends if part in empty else set())
                    begun &= part in empty
                last[symbol] |= ends
                if begun:
                    empty.add(symbol)
        return frozenset(pairs)

    # -- sampling

    @cached_property
    def _tables(self) -> tuple[list[list[float]], list[list[tuple[int, ...]]], list[list[Label | None]], int]:
        """Nonterminal number -> cumulative probabilities, right-hand sides last symbol first, labels; and the start.

        A right-hand side is of numbers: token t is t, nonterminal k is ~k.
        """
        numbers: dict[str, int] = {token: t for t, token in enumerate(self.tokens)}
        numbers.update({symbol: ~k for k, symbol in enumerate(self._order)})
        cumulative = [list(accumulate(p for _, p in self.rules[symbol]))[:-1] for symbol in self._order]
        sides = [[tuple(numbers[s] for s in reversed(r.rhs)) for r, _ in self.rules[symbol]] for symbol in self._order]
        labels = [[r.label for r, _ in self.rules[symbol]] for symbol in self._order]
        return cumulative, sides, labels, numbers[self.start]

    def derivations(self, rng: np.random.Generator) -> Iterator[tuple[list[str], list[Label]]]:
        """Endless independent draws: the tokens of a sentence and the labels its derivation used."""
        cumulative, sides, labels, start = self._tables
        tokens = self.tokens
        uniform: list[float] = []
        while True:
            stack, words, used = [start], [], []
            while stack:
                symbol = stack.pop()
                if symbol >= 0:
                    words.append(tokens[symbol])
                    continue
                choice, bounds = 0, cumulative[~symbol]
                if bounds:
                    if not uniform:
                        uniform = rng.random(_BLOCK).tolist()
                    choice = bisect_right(bounds, uniform.pop())
                stack.extend(sides[~symbol][choice])
                label = labels[~symbol][choice]
                if label is not None:
                    used.append(label)
            yield words, used

    def sample(self, n: int, rng: np.random.Generator) -> list[list[str]]:
        """n independent sentences, each a list of tokens without an end mark."""
        return [words for (words, _), _ in zip(self.derivations(rng), range(n), strict=False)]

    # -- exact quantities

    def log_prob(self, sentence: Iterable[str]) -> float:
        """ln P(sentence, then its end), -inf where the grammar cannot produce it."""
        return self.beliefs.log_prob([self._number.get(word, len(self.tokens)) for word in sentence])

    def next_probs(self, prefix: Iterable[str]) -> dict[str | None, float]:
        """Token -> P(token | prefix); None is the end. Empty where the grammar cannot produce the prefix."""
        moves = self.beliefs.after([self._number.get(word, len(self.tokens)) for word in prefix])
        return {None if e == END else self.tokens[e]: p for e, (p, _) in moves.items()}

    @cached_property
    def _number(self) -> dict[str, int]:
        return {token: t for t, token in enumerate(self.tokens)}

    @cached_property
    def beliefs(self) -> Beliefs:
        """The next-token distributions over the grammar's own tokens."""
        return Beliefs(self, self._number)

    @cached_property
    def entropy(self) -> tuple[float, float]:
        """H(sentence) in nats and E[length + 1], by summing over beliefs: equal ones are one."""
        reached, entropy, tokens = {0: 1.0}, [0.0], [0.0]
        while reached:
            after: dict[int, float] = defaultdict(float)
            for belief, mass in reached.items():
                moves = self.beliefs.moves(belief)
                entropy.append(-mass * math.fsum(p * math.log(p) for p, _ in moves.values()))
                tokens.append(mass)
                for event, (p, following) in moves.items():
                    if event != END:
                        after[following] += mass * p
            reached = after
        return math.fsum(entropy), math.fsum(tokens)

    @property
    def perplexity(self) -> float:
        """exp(H(sentence) / E[length + 1]): per token, the end included; no model can have less on this language."""
        nats, tokens = self.entropy
        return math.exp(nats / tokens)


Moves = Mapping[int, tuple[float, int]]


class Beliefs:
    """What can be known of a derivation from the tokens so far: probabilities of stacks still to be rewritten.

    events maps tokens to the numbers they are seen as; tokens that share a number (out of vocabulary, say)
    are one event, and the belief after it is their mixture. The end of a sentence is the event `end`. Belief 0 is
    the start of a sentence. Beliefs equal to 36 bits of each probability are one (what differs less is the rounding of
    sums), and each next-token distribution is worked out once.
    """

    def __init__(self, grammar: Pcfg, events: Mapping[str, int], end: int = END) -> None:
        self._grammar, self._events, self.end = grammar, events, end
        self._first: dict[str, list[tuple[float, str | None, tuple[str, ...]]]] = {}
        self._stacks: list[tuple[str, int]] = [("", -1)]  # symbol on top, stack below it; stack 0 is empty
        self._stack_ids: dict[tuple[str, int], int] = {}
        self._steps: dict[int, list[tuple[int, int, float]]] = {0: [(end, 0, 1.0)]}
        self._beliefs: list[tuple[tuple[int, float], ...]] = []
        self._belief_ids: dict[tuple[tuple[int, float], ...], int] = {}
        self._moves: dict[int, dict[int, tuple[float, int]]] = {}
        self._belief({self._push((grammar.start,), 0): 1.0}, 1.0)

    def moves(self, belief: int) -> Moves:
        """Event -> (probability, belief after it) for every event possible; the end leads back to belief 0."""
        if belief not in self._moves:
            reached: dict[int, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
            for stack, mass in self._beliefs[belief]:
                for event, rest, p in self._step(stack):
                    reached[event][rest].append(mass * p)
            stacks = {event: {rest: math.fsum(ps) for rest, ps in rests.items()} for event, rests in reached.items()}
            totals = {event: math.fsum(rests.values()) for event, rests in stacks.items()}
            total = math.fsum(totals.values())
            self._moves[belief] = {
                event: (p / total, 0 if event == self.end else self._belief(stacks[event], p))
                for event, p in totals.items()
            }
        return self._moves[belief]

    def after(self, events: Iterable[int]) -> Moves:
        """The moves after these events of one sentence; none where the grammar cannot produce them."""
        belief = 0
        for event in events:
            move = self.moves(belief).get(event)
            if move is None or event == self.end:
                return {}
            belief = move[1]
        return self.moves(belief)

    def log_prob(self, events: Iterable[int]) -> float:
        """ln P of these events and the end after them."""
        belief, logs = 0, []
        for event in (*events, self.end):
            p, belief = self.moves(belief).get(event, (0.0, 0))
            if not p:
                return -math.inf
            logs.append(math.log(p))
        return math.fsum(logs)

    def _belief(self, stacks: Mapping[int, float], total: float) -> int:
        # The rounded belief is the belief, so that it depends on the prefix alone and not on what was asked before.
        key = tuple((stack, _rounded(p / total)) for stack, p in sorted(stacks.items()))
        if key not in self._belief_ids:
            self._belief_ids[key] = len(self._beliefs)
            self._beliefs.append(key)
        return self._belief_ids[key]

    def _push(self, symbols: tuple[str, ...], stack: int) -> int:
        for symbol in reversed(symbols):
            key = symbol, stack
            if key not in self._stack_ids:
                self._stack_ids[key] = len(self._stacks)
                self._stacks.append(key)
            stack = self._stack_ids[key]
        return stack

    def _step(self, stack: int) -> list[tuple[int, int, float]]:
        """(event, stack after it, probability) for every way the stack can give its next event."""
        if stack not in self._steps:
            symbol, below = self._stacks[stack]
            reached: dict[tuple[int, int], float] = defaultdict(float)
            for p, token, tail in self._expand((symbol,)):
                if token is None:
                    for event, rest, q in self._step(below):
                        reached[event, rest] += p * q
                else:
                    reached[self._events[token], self._push(tail, below)] += p
            self._steps[stack] = [(event, rest, p) for (event, rest), p in reached.items()]
        return self._steps[stack]

    def _expand(self, symbols: tuple[str, ...]) -> Iterator[tuple[float, str | None, tuple[str, ...]]]:
        """(probability, first token, symbols after it) for every way to rewrite symbols; token None: they vanish."""
        if not symbols:
            yield 1.0, None, ()
        elif symbols[0] not in self._grammar.rules:
            yield 1.0, symbols[0], symbols[1:]
        else:
            for p, token, tail in self._firsts(symbols[0]):
                if token is None:
                    yield from ((p * q, word, rest) for q, word, rest in self._expand(symbols[1:]))
                else:
                    yield p, token, tail + symbols[1:]

    def _firsts(self, symbol: str) -> list[tuple[float, str | None, tuple[str, ...]]]:
        if symbol not in self._first:
            reached: dict[tuple[str | None, tuple[str, ...]], float] = defaultdict(float)
            for rule, p in self._grammar.rules[symbol]:
                for q, token, tail in self._expand(rule.rhs):
                    reached[token, tail] += p * q
            self._first[symbol] = [(p, token, tail) for (token, tail), p in reached.items()]
        return self._first[symbol]


def _rounded(p: float) -> float:
    """p to 36 significant bits."""
    mantissa, exponent = math.frexp(p)
    return math.ldexp(round(math.ldexp(mantissa, 36)), exponent - 36)


def _children_first(rules: Mapping[str, list[Rule]], start: str) -> list[str]:
    """The nonterminals that start can reach, each after those its rules rewrite to."""
    if start not in rules:
        raise BadConfig(f"no rule rewrites the start symbol {start!r}; a sentence begins with it: add a rule for it")
    order: list[str] = []
    state: dict[str, int] = {}  # 1 while its children are visited, 2 after
    stack = [(start, False)]
    while stack:
        symbol, left = stack.pop()
        if left:
            state[symbol] = 2
            order.append(symbol)
        elif symbol in rules and state.get(symbol) != 2:
            if state.get(symbol) == 1:
                raise BadConfig(
                    f"{symbol!r} can contain itself: sentences would have no greatest length and the exact sums "
                    "no end; write out the depths you need"
                )
            state[symbol] = 1
            stack.append((symbol, True))
            stack += [(child, False) for rule in rules[symbol] for child in rule.rhs]
    return order

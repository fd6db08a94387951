"""The search as ask and tell: population, parents, children, the confirmed champion.

It knows nothing of environments, files or workers: `ask` returns genomes, `tell` takes their returns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from wann.evolution.innovation import Innovations
from wann.evolution.ranking import Ratings, best_front, objectives_of, order_by, score, total_order
from wann.evolution.selection import lexicase, tournament
from wann.evolution.variation import cross, mutate
from wann.kernels.activations import BY_NAME
from wann.networks.genome import Genome, minimal_genome, renumbered
from wann.networks.network import Network, Phenotype, compile_genome, expressed, phenotype
from wann.settings import Settings
from wann.utils.arrays import FloatArray
from wann.utils.seeding import Purpose, stream, streams


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A network that fresh episodes have confirmed as the best so far."""

    genome: Genome
    generation: int  # the generation it was found in, the first is 1
    weights: FloatArray  # (W,) shared weights it was confirmed at
    returns: FloatArray  # (W, E) returns of the confirming episodes

    @property
    def mean(self) -> float:
        """Mean return over weights of the mean over episodes."""
        return float(self.returns.mean(axis=1).mean())


@dataclass(frozen=True, slots=True)
class Told:
    """Networks of a generation and their scores."""

    genomes: tuple[Genome, ...]
    scores: Ratings

    def front(self, objectives: Sequence[str]) -> Told:
        """Networks that no other dominates, each phenotype once; best in the first objective first."""
        values = objectives_of(objectives, self.scores, self.genomes)
        valid = self.scores.valid & np.isfinite(values).all(axis=1)
        once: dict[tuple[bytes, ...], int] = {}
        for index in best_front(values, valid).tolist():
            once.setdefault(phenotype(self.genomes[index]), index)
        kept = np.array([*once.values()], np.int64)
        return Told(tuple(self.genomes[index] for index in kept), self.scores.rows(kept))


@dataclass(frozen=True, slots=True)
class EvolutionState:
    """All that a search needs to go on: no generator, as randomness is found by its address."""

    generation: int  # how many are complete
    population: tuple[Genome, ...]
    next_node: int
    next_mark: int
    champion: Confirmed | None
    stale: int  # generations since the champion was found
    told: Told | None = None  # the last complete generation; from a checkpoint, its Pareto front


class _Individual(NamedTuple):
    """A genome, and the network that it describes."""

    genome: Genome
    network: Network


class Evolution:
    """Weight-agnostic architecture search.

    Use: `genomes = evolution.ask()`, evaluate them, `evolution.tell(returns)`, and again. After `tell`,
    `candidate()` names a network that may be a new best; `confirm` makes it champion if fresh episodes
    agree. With `champion_rule = "duel"`, `confirm` those that beat the champion on episodes of your own.

    Args:
        settings: settings of the search.
        inputs, outputs: numbers of input and output nodes.
        state: state to go on from; by default a new population.
        initial: the network that a new population starts from, in place of networks without hidden nodes.

    Raises:
        ValueError: the state's population has another size than the settings say, its networks have another
            shape, or the network that the settings start from is not given.

    Source: Gaier and Ha (2019), section 3.1.
    """

    def __init__(
        self,
        settings: Settings,
        inputs: int,
        outputs: int,
        state: EvolutionState | None = None,
        initial: Genome | None = None,
    ) -> None:
        self.settings = settings
        self._activations = [BY_NAME[name].code for name in settings.activations]
        self._asked = False
        self._told = False
        if state is None and settings.initial_genome and initial is None:
            raise ValueError("the settings name an initial genome: give the champion to start from")
        self._state = state or (self._state_from(initial) if initial else self._first_state(inputs, outputs))
        found = len(self._state.population)
        if found != settings.population:
            raise ValueError(f"the state holds a population of {found}, the settings {settings.population}")
        held = {(genome.inputs, genome.outputs) for genome in self._state.population}
        if held != {(inputs, outputs)}:
            ins, outs = held.pop()
            raise ValueError(
                f"the state holds networks of {ins} inputs and {outs} outputs, not {inputs} and {outputs}"
            )
        self._innovations = Innovations(self._state.next_node, self._state.next_mark)
        self._individuals = [_Individual(genome, compile_genome(genome)) for genome in self._state.population]

    def _first_state(self, inputs: int, outputs: int) -> EvolutionState:
        settings = self.settings
        output_activation = BY_NAME[settings.output_activation].code
        population = tuple(
            minimal_genome(
                inputs,
                outputs,
                output_activation,
                settings.initial_connection_probability,
                rng=stream(settings.seed, Purpose.INITIAL_GENOME, index),
            )
            for index in range(settings.population)
        )
        first = population[0]
        return EvolutionState(0, population, first.node_id.size, first.mark.size, None, 0)

    def _state_from(self, initial: Genome) -> EvolutionState:
        """The network once as it is, the others with one mutation each; numbered anew."""
        settings, initial = self.settings, renumbered(initial)
        innovations = Innovations(initial.node_id.size, initial.mark.size)
        mutants = (
            mutate(
                initial,
                innovations,
                settings.mutation_shares,
                self._activations,
                rng=stream(settings.seed, Purpose.INITIAL_GENOME, index),
            )
            for index in range(1, settings.population)
        )
        population = (initial, *mutants)
        return EvolutionState(0, population, innovations.next_node, innovations.next_mark, None, 0)

    @property
    def state(self) -> EvolutionState:
        """Everything needed to go on from here, valid between `tell` and the next `ask`."""
        return self._state

    @property
    def generation(self) -> int:
        """Number of complete generations: told, not only asked."""
        return self._state.generation

    @property
    def champion(self) -> Confirmed | None:
        """The best confirmed network so far."""
        return self._state.champion

    def ask(self) -> tuple[Genome, ...]:
        """Genomes of this generation, exactly `population` many.

        Raises:
            RuntimeError: the generation asked before has not been told.
        """
        if self._asked:
            raise RuntimeError("ask() needs the returns of the generation before: call tell() first")
        self._asked = True
        return self._state.population

    @property
    def networks(self) -> list[Network]:
        """The networks of the genomes that `ask` returns, in the same order."""
        return [individual.network for individual in self._individuals]

    def tell(self, returns: FloatArray) -> Ratings:
        """Take the returns of the asked genomes and breed the next generation.

        Args:
            returns: (population, weights, episodes) episode returns.

        Returns:
            The scores of the asked genomes.

        Raises:
            RuntimeError: nothing was asked.
            ValueError: the shape is wrong.
        """
        if not self._asked:
            raise RuntimeError("tell() needs a preceding ask()")
        returns = np.asarray(returns, np.float64)
        asked = self._state.population
        if returns.ndim != 3 or len(returns) != len(asked) or 0 in returns.shape:
            raise ValueError(
                f"returns must have the shape (population, weights, episodes) = ({len(asked)}, W, E), "
                f"not {returns.shape}"
            )
        scores = score(returns, asked)
        told = Told(asked, scores)
        self._individuals = self._breed(told, returns)
        state = self._state
        self._state = replace(
            state,
            told=told,
            generation=state.generation + 1,
            population=tuple(individual.genome for individual in self._individuals),
            next_node=self._innovations.next_node,
            next_mark=self._innovations.next_mark,
            stale=state.stale + 1,
        )
        self._told, self._asked = True, False
        return scores

    def candidate(self) -> Genome | None:
        """Network of the last told generation that may be a new champion; None if no network may.

        It is the one with the best mean. Where champions hold a record, it must beat the champion's confirmed
        mean; where they are found in duels, it must be another network than the champion.
        """
        told, champion = self._state.told, self.champion
        if not self._told or told is None:
            raise RuntimeError("candidate() needs a preceding tell()")
        best = int(np.argmax(told.scores.mean))
        genome = told.genomes[best]
        if not told.scores.valid[best]:
            return None
        if champion is None:
            return genome
        if self.settings.champion_rule == "record":
            return genome if told.scores.mean[best] > champion.mean else None
        return genome if phenotype(genome) != phenotype(champion.genome) else None

    def confirm(self, genome: Genome, weights: FloatArray, returns: FloatArray) -> bool:
        """Make a candidate champion; where champions hold a record, only if its mean beats the champion's.

        Args:
            genome: the candidate; where champions are found in duels, one that has won its duel.
            weights: (W,) shared weights of the confirming episodes.
            returns: (W, E) their returns.

        Returns:
            Whether it became champion; never with a return that is not finite.
        """
        state = self._state
        confirmed = Confirmed(genome, state.generation, np.array(weights), np.array(returns))
        record = self.settings.champion_rule == "record"
        if not np.isfinite(returns).all():
            return False
        if record and state.champion and confirmed.mean <= state.champion.mean:
            return False
        self._state = replace(state, champion=confirmed, stale=0)
        return True

    def _breed(self, told: Told, returns: FloatArray) -> list[_Individual]:
        settings, generation, genomes = self.settings, self._state.generation, told.genomes
        ranked = self._rank(told)
        elites = ranked[: int(settings.elite_ratio * len(ranked))]
        children = len(genomes) - len(elites)
        couples = self._couples(told, returns, ranked, children)
        place = np.argsort(ranked)

        self._innovations.begin_generation()
        population = [self._individuals[index] for index in elites]
        known = {expressed(elite.network) for elite in population} if settings.retries else set()
        addressed = streams(settings.seed, Purpose.VARIATION, generation, children)
        for couple, rng in zip(couples.tolist(), addressed, strict=True):
            parent = genomes[couple[0]]
            if settings.crossover_probability and rng.random() < settings.crossover_probability:
                fitter, other = sorted(couple, key=place.item)
                parent = cross(genomes[fitter], genomes[other], rng=rng)
            population.append(self._child(parent, known, rng=rng))
        return population

    def _couples(self, told: Told, returns: FloatArray, ranked: np.ndarray, count: int) -> np.ndarray:
        """Indices (count, 1 or 2) of the parents of each child; crossover uses the second."""
        settings = self.settings
        rng = stream(settings.seed, Purpose.PARENTS, self._state.generation)
        if settings.selection == "tournament":
            return tournament(ranked, count, settings.tournament_size, settings.cull_ratio, rng=rng)
        parents = 2 if settings.crossover_probability else 1
        return lexicase(returns, told.scores, parents * count, rng=rng).reshape(count, parents)

    def _child(self, parent: Genome, known: set[Phenotype], *, rng: np.random.Generator) -> _Individual:
        """A mutant of the parent; retries mutate it further while another network computes the same."""
        settings = self.settings
        child = parent
        for attempt in range(1 + settings.retries):
            if attempt:
                # Numbers ascend within a genome: a structure that arises again in a child is another one.
                self._innovations.begin_generation()
            before = child
            child = mutate(child, self._innovations, settings.mutation_shares, self._activations, rng=rng)
            if attempt and child is before:
                break  # nothing can change it
            network = compile_genome(child)
            if not settings.retries:
                break
            shape = expressed(network)
            if shape not in known:
                known.add(shape)
                break
        return _Individual(child, network)

    def _rank(self, told: Told) -> np.ndarray:
        """Order of the generation; of the paper's objectives one draw decides the second for all.

        Where not all are contenders, the best by the first objective are ordered by all objectives, and the
        others stand behind them by the first alone.
        """
        settings, scores = self.settings, told.scores
        names = settings.named_objectives
        if settings.objectives == "paper":  # section 3.1
            rng = stream(settings.seed, Purpose.OBJECTIVES, self._state.generation)
            by_complexity = rng.random() < settings.complexity_probability
            names = ("mean", "connections" if by_complexity else "best")
        values = objectives_of(names, scores, told.genomes)
        by_first = order_by(values[:, 0], scores.valid)
        count = max(1, int(settings.contender_ratio * len(by_first)))
        contenders = np.sort(by_first[:count])
        order = total_order(values[contenders], scores.valid[contenders])
        return np.concatenate([contenders[order], by_first[count:]])

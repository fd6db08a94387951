"""A comparison of made-up methods."""

from wann.random_weights.bench.comparison import Bench
from wann.random_weights.bench.method import Anchor, Measurement, Method


class Made:
    """Three methods that take no time, and a note of what was measured."""

    def __init__(self):
        self.seen = []
        self.stop_at = None
        methods = (
            Method(
                "slow", "Slow", self._measure("slow", 0.9), 50.0, gate=0.8, anchor=Anchor("91 %", "A 1999")
            ),
            Method("quick", "Quick", self._measure("quick", 0.5), 1.0, ablation_of="slow", ceiling=0.2),
            Method("still", "Still | so", self._measure("still", 0.7), 2.0, drawn=False, remark="a remark"),
            Method("pixels", "Pixels", self._measure("pixels", 0.7), 2.0, images=True),
            Method("ten", "Ten", self._measure("ten", 0.7), 2.0, least_classes=10),
        )
        named = {method.name: method for method in methods}
        self.bench = Bench("made", "test accuracy", True, named, None, "d1", 1.0, images=False)

    def _measure(self, name, score):
        def measure(_, seed):
            if (name, seed) == self.stop_at:
                raise KeyboardInterrupt
            self.seen.append((name, seed))
            return Measurement(score + 0.01 * seed, 10, 1000, 0.25)

        return measure

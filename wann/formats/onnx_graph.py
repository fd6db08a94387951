"""The export as an ONNX model: one sum for each node of the network, and the activations spelled out.

The activations are the polynomials of the kernels in basic operators, as the functions of a runtime differ
from them by some 1e-13, which a deep network makes large. Each value is a column (batch, 1).
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from wann.formats.export_plan import ExportPlan, PlannedNode
from wann.formats.runners import MissingToolError
from wann.utils.arrays import FloatArray
from wann.version import __version__

Precision = Literal["float32", "float64", "float32-only"]

DEFAULT_OPSET = 17
_BROADCAST = ("Add", "Sub", "Mul", "Div", "Pow", "Greater")
_BROADCASTING = 7  # the opset from which operators fit shapes to each other as NumPy does
_LOG2_E = 1.4426950408889634
_LIMIT = 500.0


def write_onnx(plan: ExportPlan, path: Path, precision: Precision, opset: int) -> None:
    """Write a plan as an ONNX model.

    Its inputs are `observation` (batch, I) and, where the connections share one, `weight` (), with a
    default; its output is `outputs` (batch, A).

    Args:
        plan: what to write.
        path: the file.
        precision: "float32" for inputs and outputs in float32 with float64 between them; "float64";
            "float32-only" for float32 throughout.
        opset: version of the set of operators.

    Raises:
        ValueError: onnx is not installed, or the opset is not one that has the operators.
    """
    onnx = _onnx()
    newest = onnx.defs.onnx_opset_version()
    if opset > newest:
        raise ValueError(
            f"opset {opset} is newer than {newest}, the newest that this onnx knows: choose less"
        )
    graph = _Graph(plan, precision)
    graph.check(opset)
    path.write_bytes(graph.model(opset).SerializeToString())


def run_onnx(path: Path, observations: FloatArray, single: bool) -> tuple[FloatArray, str]:
    """Outputs (N, A) of a model for observations (N, I), and which runtime computed them.

    Args:
        path: the model.
        observations: the observations.
        single: whether it takes float32.

    Raises:
        MissingToolError: ONNX Runtime is not installed.
        ValueError: ONNX Runtime cannot run the model.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingToolError("onnxruntime is not installed: pip install 'wann[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # it warns of every input with a default
    options.intra_op_num_threads = 1
    tool = f"onnxruntime {onnxruntime.__version__}"
    try:
        session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        numbers = observations.astype(np.float32 if single else np.float64)
        (outputs,) = session.run(None, {"observation": numbers})
    except Exception as error:  # noqa: BLE001 - its exceptions have no other common class
        reason = " ".join(str(error).split()).rpartition(") ")[2]  # after the signature of a C++ function
        raise ValueError(f"{tool} does not run the model; a lower opset may help: {reason}") from None
    return np.asarray(outputs, np.float64), tool


@cache
def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ValueError("an ONNX export needs onnx: pip install 'wann[onnx]'") from None
    return onnx


@cache
def _oldest_opsets() -> dict[str, int]:
    """Oldest opset with which each operator works as it is used here."""
    oldest: dict[str, int] = {}
    for schema in _onnx().defs.get_all_schemas_with_history():
        if schema.domain == "":
            oldest[schema.name] = min(schema.since_version, oldest.get(schema.name, schema.since_version))
    return oldest | {name: max(_BROADCASTING, oldest[name]) for name in _BROADCAST}


class _Graph:
    """Builds the graph of a plan."""

    def __init__(self, plan: ExportPlan, precision: Precision) -> None:
        self._plan = plan
        self._nodes: list[Any] = []
        self._needed: dict[str, str] = {}  # operators, and what first needed each
        self._initializers: dict[str, Any] = {}
        self._what = "the network"  # what the operators added now are part of
        self._place = ""
        self._outer = np.float64 if precision == "float64" else np.float32
        self._inner = np.float32 if precision == "float32-only" else np.float64
        self._build()

    def check(self, opset: int) -> None:
        """Refuse an opset that lacks an operator.

        Raises:
            ValueError: it does, in one line that names the operator and the opset that has it.
        """
        for operator, what in self._needed.items():
            since = _oldest_opsets()[operator]
            if opset < since:
                raise ValueError(
                    f"opset {opset} lacks the operator {operator} that {what} needs; opset {since} has it"
                )

    def model(self, opset: int) -> Any:
        """The model, checked."""
        onnx, plan = _onnx(), self._plan
        helper = onnx.helper
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(self._outer))
        takes = [helper.make_tensor_value_info("observation", kind, ["batch", len(plan.takes)])]
        if not plan.individual:
            takes.append(helper.make_tensor_value_info("weight", kind, []))
        gives = [helper.make_tensor_value_info("outputs", kind, ["batch", len(plan.outputs)])]
        graph = helper.make_graph(
            self._nodes,
            "network",
            takes,
            gives,
            list(self._initializers.values()),
            doc_string="\n".join(plan.header),
        )
        opsets = [helper.make_opsetid("", opset)]
        model = helper.make_model(
            graph,
            opset_imports=opsets,
            ir_version=max(4, helper.find_min_ir_version_for(opsets)),  # 4: an input may have a default
            producer_name="wann",
            producer_version=__version__,
        )
        words = {"task": plan.task, "inputs": "\n".join(plan.takes), "outputs": "\n".join(plan.outputs)}
        if plan.columns:
            words["words"] = json.dumps(plan.words)
        helper.set_model_props(model, words)
        onnx.checker.check_model(model, full_check=True)
        return model

    def _build(self) -> None:
        plan = self._plan
        observation = self._cast("observation", self._inner)
        if not plan.individual:
            self._initializers["weight"] = self._tensor("weight", np.array(plan.weight, self._outer))
            weight = self._cast("weight", self._inner)
        size = self._add("Gather", self._add("Shape", "observation"), self._whole([0]), axis=0)
        shape = self._add("Concat", size, self._whole([1]), axis=0)
        bias = self._add("Expand", self._number(1.0), shape, name="bias")
        columns = {0: bias}
        for row in sorted({row for row in plan.sources if 0 < row <= len(plan.inputs)}):
            columns[row] = self._input(observation, row - 1)
        for k, node in enumerate(plan.nodes):
            self._place, self._what = f"node_{node.node}_", "the network"
            total = self._total(node, columns)
            if not plan.individual:
                total = self._add("Mul", total, weight)
            self._what = f"the network's {node.activation}"
            columns[1 + len(plan.inputs) + k] = self._activate(node.activation, total)
        self._place, self._what = "", "the network"
        outputs = self._add("Concat", *[columns[row] for row in plan.output_rows], axis=1)
        if plan.target:
            outputs = self._plus(self._mul(outputs, plan.target.scale), plan.target.mean)
        self._cast(outputs, self._outer, name="outputs")

    def _input(self, observation: str, place: int) -> str:
        """Input of the network (batch, 1)."""
        name = f"input_{place}"
        if self._plan.columns is None:
            return self._add("Gather", observation, self._whole([place]), axis=1, name=name)
        self._what = "the table's columns"
        column, kind, value, mean, scale = self._plan.terms[place]
        x = self._add("Gather", observation, self._whole([column]), axis=1)
        if kind == "number":
            plain = self._add("Where", self._add("IsNaN", x), self._number(value), x)
        else:
            holds = self._add("IsNaN", x) if kind == "missing" else self._add("Equal", x, self._number(value))
            plain = self._add("Where", holds, *self._numbers(1.0, 0.0))
        self._what = "the network"
        return self._add("Div", self._sub(plain, mean), self._number(scale), name=name)

    def _total(self, node: PlannedNode, columns: dict[int, str]) -> str:
        if not node.sources:
            return self._sub(columns[0], columns[0])
        terms = [columns[row] for row in node.sources]
        if self._plan.individual:
            pairs = zip(terms, node.weights, strict=True)
            terms = [self._mul(term, weight) for term, weight in pairs]
        return self._add("Sum", *terms)

    def _activate(self, name: str, x: str) -> str:
        if name == "step":
            return self._add("Where", self._add("Greater", x, self._number(0.0)), *self._numbers(1.0, 0.0))
        if name == "sin":
            return self._sin_pi(x)
        if name == "gaussian":
            return self._exp2(self._at_least(self._mul(self._mul(x, x), -0.5 * _LOG2_E), -_LIMIT))
        if name == "tanh":
            power = self._exp2(self._limited(self._mul(x, 2.0 * _LOG2_E)))
            return self._sub(1.0, self._div(2.0, self._plus(power, 1.0)))
        if name == "sigmoid":
            power = self._exp2(self._limited(self._mul(x, -_LOG2_E)))
            return self._div(1.0, self._plus(1.0, power))
        if name == "inverse":
            return self._sub(0.0, x)
        if name == "abs":
            return self._add("Abs", x)
        if name == "relu":
            return self._at_least(x, 0.0)
        if name == "cos":
            return self._sin_pi(self._plus(x, 0.5))
        return x

    def _sin_pi(self, x: str) -> str:
        n = self._add("Round", x)
        r = self._sub(x, n)
        z = self._mul(r, r)
        z2 = self._mul(z, z)
        low = self._plus(
            self._sub(3.141592653589635, self._mul(5.167712779987959, z)),
            self._mul(self._sub(2.550164035906745, self._mul(0.5992644339357286, z)), z2),
        )
        high = self._plus(
            self._sub(0.08214479467064854, self._mul(0.007364005472115722, z)),
            self._mul(0.0004474920849077101, z2),
        )
        value = self._mul(self._plus(low, self._mul(high, self._mul(z2, z2))), r)
        half = self._mul(n, 0.5)
        odd = self._add("Abs", self._sub(half, self._add("Round", half)))  # 1/2 where n is odd, else 0
        return self._mul(value, self._sub(1.0, self._mul(4.0, odd)))

    def _exp2(self, t: str) -> str:
        n = self._add("Round", t)
        f = self._sub(t, n)
        f2 = self._mul(f, f)
        f4 = self._mul(f2, f2)
        low = self._plus(
            self._plus(1.0, self._mul(0.6931471805599453, f)),
            self._mul(self._plus(0.2402265069581299, self._mul(0.055504108664760424, f)), f2),
        )
        middle = self._plus(
            self._plus(0.009618129159402558, self._mul(0.0013333558179044112, f)),
            self._mul(self._plus(0.00015403455852453838, self._mul(1.525268684626772e-05, f)), f2),
        )
        high = self._plus(1.3255224878668817e-06, self._mul(1.0203121063391729e-07, f))
        value = self._plus(low, self._mul(self._plus(middle, self._mul(high, f4)), f4))
        return self._mul(value, self._add("Pow", self._number(2.0), n))

    def _limited(self, x: str) -> str:
        low = self._at_least(x, -_LIMIT)
        return self._add("Where", self._add("Greater", low, self._number(_LIMIT)), self._number(_LIMIT), low)

    def _at_least(self, x: str, low: float) -> str:
        bound = self._number(low)
        return self._add("Where", self._add("Greater", bound, x), bound, x)  # a NaN stays a NaN

    def _plus(self, a: str | float, b: str | float) -> str:
        return self._add("Add", *self._numbers(a, b))

    def _sub(self, a: str | float, b: str | float) -> str:
        return self._add("Sub", *self._numbers(a, b))

    def _mul(self, a: str | float, b: str | float) -> str:
        return self._add("Mul", *self._numbers(a, b))

    def _div(self, a: str | float, b: str | float) -> str:
        return self._add("Div", *self._numbers(a, b))

    def _numbers(self, *values: str | float) -> list[str]:
        return [value if isinstance(value, str) else self._number(value) for value in values]

    def _add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add an operator and return the name of its result."""
        self._needed.setdefault(operator, self._what)
        result = name or f"{self._place}{operator.lower()}_{len(self._nodes)}"
        self._nodes.append(_onnx().helper.make_node(operator, inputs, [result], name=result, **attributes))
        return result

    def _cast(self, value: str, kind: Any, name: str = "") -> str:
        """The value in this type; the types of the inside and the outside may be one."""
        if self._inner is self._outer:
            return self._add("Identity", value, name=name) if name else value
        return self._add("Cast", value, name=name, to=_onnx().helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def _number(self, value: float) -> str:
        """A constant () of the inner type."""
        return self._constant(f"number_{value!r}", np.array(value, self._inner))

    def _whole(self, values: list[int]) -> str:
        return self._constant(f"whole_{'_'.join(map(str, values))}", np.array(values, np.int64))

    def _constant(self, name: str, array: Any) -> str:
        if name not in self._initializers:
            self._initializers[name] = self._tensor(name, array)
        return name

    @staticmethod
    def _tensor(name: str, array: Any) -> Any:
        return _onnx().numpy_helper.from_array(array, name)

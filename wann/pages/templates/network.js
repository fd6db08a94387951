// The forward pass, bit for bit that of wann/networks/network.py; it uses wann/formats/templates/activations.js.

const CODES = {
  linear: 1, step: 2, sin: 3, gaussian: 4, tanh: 5, sigmoid: 6, inverse: 7, abs: 8, relu: 9, cos: 10,
};
const BY_CODE = [];
for (const [name, code] of Object.entries(CODES)) BY_CODE[code] = ACTIVATIONS[name];

/** Apply the activation with this code. */
const activate = (code, x) => BY_CODE[code](x);

/**
 * A feed-forward network as flat arrays, the fields of wann.networks.network.Network.
 *
 * Values are held in rows: row 0 is the bias, rows 1 to I the observation, row 1 + I + k the computed node k.
 */
class Network {
  constructor({ inputs, first_source, sources, activation, outputs }) {
    this.inputs = inputs;
    this.firstSource = first_source;
    this.sources = sources;
    this.activation = activation;
    this.outputs = outputs;
    this.values = new Float64Array(1 + inputs + activation.length);
    this.values[0] = 1.0;
  }

  /**
   * Compute the value of every row, in place, and give them.
   *
   * @param observation I numbers
   * @param weights the shared weight, or one for each connection in the order of `sources`
   */
  forward(observation, weights) {
    const { values, sources, firstSource, activation, inputs } = this;
    const shared = typeof weights === "number";
    for (let i = 0; i < inputs; i++) values[1 + i] = observation[i];
    for (let k = 0; k < activation.length; k++) {
      let total = 0.0;
      if (shared) {
        for (let c = firstSource[k]; c < firstSource[k + 1]; c++) total += values[sources[c]];
        total *= weights;
      } else {
        for (let c = firstSource[k]; c < firstSource[k + 1]; c++) total += values[sources[c]] * weights[c];
      }
      values[1 + inputs + k] = activate(activation[k], total);
    }
    return values;
  }

  /** The outputs, as the last `forward` left them. */
  output(place) {
    return this.values[this.outputs[place]];
  }
}

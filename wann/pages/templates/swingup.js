// Cart-pole swing-up, bit for bit the physics of envs/wann_envs/cartpole_swingup.py.

const INVERSE_PI = 0.3183098861837907;

const SWING_UP = {
  gravity: 9.82, // m/s²
  poleMass: 0.5, // kg
  totalMass: 0.5 + 0.5, // kg
  poleLength: 0.6, // m
  friction: 0.1, // N·s/m
  force: 10.0, // N at action 1
  timeStep: 0.01, // s
  trackHalf: 2.4, // m
};

/** One episode: position, velocity, angle and angular velocity in `state`. */
class SwingUp {
  constructor(network) {
    this.network = network;
    this.state = new Float64Array(4);
    this.observation = new Float64Array(5);
    this.reset([0.0, 0.0, Math.PI, 0.0]);
  }

  reset(start) {
    this.state.set(start);
    this.action = 0.0; // within [-1, 1]
    this.reward = 0.0;
    this.total = 0.0; // sum of the rewards
    this.steps = 0;
    this.left = false; // whether the cart has left the track
  }

  observe() {
    const [x, v, theta, omega] = this.state;
    const halfTurns = theta * INVERSE_PI;
    const observation = this.observation;
    observation[0] = x;
    observation[1] = v;
    observation[2] = sinPi(halfTurns + 0.5);
    observation[3] = sinPi(halfTurns);
    observation[4] = omega;
    return observation;
  }

  /** Let the network act for one step, at a shared weight or with weights of its connections' own. */
  step(weights) {
    const { gravity, poleMass, totalMass, poleLength, friction, timeStep, trackHalf } = SWING_UP;
    this.network.forward(this.observe(), weights);
    const state = this.state;
    let x = state[0], theta = state[2];
    const v = state[1], omega = state[3];
    const halfTurns = theta * INVERSE_PI;
    const s = sinPi(halfTurns), c = sinPi(halfTurns + 0.5);
    let push = this.network.output(0);
    push = push > 1.0 ? 1.0 : push;
    push = -1.0 > push ? -1.0 : push;
    const force = push * SWING_UP.force;

    const swing = poleMass * poleLength * omega * omega * s;
    const drag = friction * v;
    const acceleration = (3.0 * poleMass * gravity * s * c - 2.0 * swing + 4.0 * force - 4.0 * drag)
      / (4.0 * totalMass - 3.0 * poleMass * c * c);
    const angular = (6.0 * totalMass * gravity * s - 3.0 * swing * c + 6.0 * (force - drag) * c)
      / (4.0 * poleLength * totalMass - 3.0 * poleMass * poleLength * c * c);
    x = x + timeStep * v;
    theta = theta + timeStep * omega;
    state[0] = x;
    state[1] = v + timeStep * acceleration;
    state[2] = theta;
    state[3] = omega + timeStep * angular;

    const upright = (sinPi(theta * INVERSE_PI + 0.5) + 1.0) * 0.5;
    const centred = sinPi(x * (0.5 / trackHalf) + 0.5);
    this.action = push;
    this.reward = upright * centred;
    this.total += this.reward;
    this.steps += 1;
    this.left = Math.abs(x) > trackHalf;
  }
}

/** States of an episode, four numbers a step with the start, and its return; it ends where the cart leaves. */
function trajectory(network, weights, start, steps) {
  const episode = new SwingUp(network);
  episode.reset(start);
  const states = [...episode.state];
  while (episode.steps < steps && !episode.left) {
    episode.step(weights);
    states.push(...episode.state);
  }
  return { states, total: episode.total };
}

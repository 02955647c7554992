"""A reference of `make bench`: the same queues in SimPy, what one would write by hand today.

M/M/k with a shared first-come queue, and 100 single-server queues behind a chooser.
"""
import random
import sys

import simpy

from bench_common import measure

RHO = 0.8


def mmk(n, k, seed):
    rng = random.Random(seed)
    env = simpy.Environment()
    res = simpy.Resource(env, capacity=k)
    lam = RHO * k
    waited = [0.0]

    def customer():
        t = env.now
        with res.request() as req:
            yield req
            waited[0] += env.now - t
            yield env.timeout(rng.expovariate(1.0))

    def source():
        for _ in range(n):
            yield env.timeout(rng.expovariate(lam))
            env.process(customer())

    env.process(source())
    env.run()
    return {"mean_wait": waited[0] / n, "events": next(env._eid)}


def lb(n, servers, policy, seed):
    rng = random.Random(seed)
    env = simpy.Environment()
    pool = [simpy.Resource(env, capacity=1) for _ in range(servers)]
    lam = RHO * servers
    waited = [0.0]
    turn = [0]

    def load(r):
        return len(r.queue) + r.count

    def choose():
        if policy == "random":
            return pool[rng.randrange(servers)]
        if policy == "rr":
            turn[0] = (turn[0] + 1) % servers
            return pool[turn[0]]
        a = rng.randrange(servers)
        b = rng.randrange(servers - 1)
        if b >= a:
            b += 1
        return pool[a] if load(pool[a]) <= load(pool[b]) else pool[b]

    def customer():
        t = env.now
        with choose().request() as req:
            yield req
            waited[0] += env.now - t
            yield env.timeout(rng.expovariate(1.0))

    def source():
        for _ in range(n):
            yield env.timeout(rng.expovariate(lam))
            env.process(customer())

    env.process(source())
    env.run()
    return {"mean_wait": waited[0] / n, "events": next(env._eid)}


if __name__ == "__main__":
    what, n = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    if what == "mm1":
        measure("simpy mm1", n, lambda: mmk(n, 1, seed))
    elif what == "mm8":
        measure("simpy mm8", n, lambda: mmk(n, 8, seed))
    else:
        measure(f"simpy lb100 {what}", n, lambda: lb(n, 100, what, seed))

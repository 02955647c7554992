"""Makes what `Elementary` is built from and what it is held against, with mpmath at 200 bits.

    python3 elementary.py tables  > ../../../Sources/MeshCore/ElementaryTables.swift
    python3 elementary.py vectors > elementary.txt

Needs mpmath (1.3 was used). The output is a function of this file alone.

A line of `elementary.txt` is `FUNCTION INPUT RESULT RESIDUAL`: the bit patterns (hexadecimal) of the input, of the
correctly rounded result, and of the exact result minus the rounded one, rounded to a double. With the residual, errors
are measured in fractions of an ulp.
"""

import math
import random
import struct
import sys

from mpmath import mp, mpf

mp.prec = 200

SLOTS = 128
# The bit pattern at which the 128 slots of the logarithm begin: half a slot off, so that one is centred on 1.
FIRST_SLOT = 0x3FE6_9000_0000_0000
SLOT_BITS = 45


def bits(value):
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def double(pattern):
    return struct.unpack("<d", struct.pack("<Q", pattern))[0]


def rounded(exact):
    """The nearest double of an mpf, subnormals included, ties to even."""
    if exact == 0:
        return 0.0
    exponent = max(int(mp.floor(mp.log(abs(exact), 2))), -1022)
    unit = mpf(2) ** (exponent - 52)
    scaled = exact / unit
    whole = int(mp.floor(scaled))
    rest = scaled - whole
    if rest > mpf(1) / 2 or (rest == mpf(1) / 2 and whole % 2 == 1):
        whole += 1
    if abs(whole) * unit >= mpf(2) ** 1024:
        return math.copysign(math.inf, whole)
    return float(mpf(whole) * unit)


def swift_hex(value):
    return float.hex(value).replace("0x1.0000000000000p", "0x1p")


# Polynomials through the Chebyshev nodes of [-h, h].
def interpolate(function, degree, half_width):
    nodes = [half_width * mp.cos(mp.pi * (2 * i + 1) / (2 * (degree + 1))) for i in range(degree + 1)]
    matrix = mp.matrix(degree + 1, degree + 1)
    right = mp.matrix(degree + 1, 1)
    for row, node in enumerate(nodes):
        right[row] = function(node)
        for column in range(degree + 1):
            matrix[row, column] = node**column
    return [rounded(c) for c in mp.lu_solve(matrix, right)]


def tables():
    grid = mpf(2) ** 42
    rows = []
    for slot in range(SLOTS):
        low = double(FIRST_SLOT + (slot << SLOT_BITS))
        high = double(FIRST_SLOT + ((slot + 1) << SLOT_BITS))
        middle = (mpf(low) + mpf(high)) / 2
        inverse = mp.nint(mpf(2) ** 13 / middle) / mpf(2) ** 13
        if low < 1 < high:
            inverse = mpf(1)
        exact = -mp.log(inverse)
        coarse = mp.nint(exact * grid) / grid
        rows.append([float(inverse), float(coarse), rounded(exact - coarse)])
    ln2 = mp.log(2)
    ln2_high = mp.nint(ln2 * grid) / grid
    logarithm = interpolate(lambda r: sum((-r) ** n / (n + 3) for n in range(40)), 4, mpf(2) ** -8 * mpf("1.02"))
    exponential = interpolate(lambda r: sum(r**n / mp.factorial(n + 3) for n in range(40)), 2, ln2 / 256 * mpf("1.001"))
    # 18 bits of k times 33 bits of the step are exact.
    step = ln2 / SLOTS
    step_high = mp.nint(step * mpf(2) ** 40) / mpf(2) ** 40
    print("// Constants of `Elementary`. Made by Tests/MeshCoreTests/Fixtures/elementary.py; not for editing.")
    print()
    print("// A slot of the logarithm a row: the inverse of its middle, to 14 bits, and minus the inverse's logarithm as a multiple")
    print("// of 2^-42 and the rest.")
    print("let logarithmTable: [Double] = [")
    for row in rows:
        print("  " + ", ".join(swift_hex(v) for v in row) + ",")
    print("]")
    print()
    print("// 2^(i/128), rounded, and the rest divided by it.")
    print("let powerTable: [Double] = [")
    for i in range(SLOTS):
        exact = mpf(2) ** (mpf(i) / SLOTS)
        value = rounded(exact)
        print("  " + swift_hex(value) + ", " + swift_hex(rounded((exact - value) / exact)) + ",")
    print("]")
    print()
    print("enum ElementaryConstants {")
    print("  // ln 2 as a multiple of 2^-42 and the rest.")
    print(f"  static var naturalLogarithmOf2High: Double {{ @inline(__always) get {{ {swift_hex(float(ln2_high))} }} }}")
    print(f"  static var naturalLogarithmOf2Low: Double {{ @inline(__always) get {{ {swift_hex(rounded(ln2 - ln2_high))} }} }}")
    print("  // (ln(1 + r) - r + r^2/2) / r^3 on |r| < 1.02 / 256.")
    for i, c in enumerate(logarithm):
        print(f"  static var logarithm{i + 3}: Double {{ @inline(__always) get {{ {swift_hex(c)} }} }}")
    print("  // 128 / ln 2, and ln 2 / 128 as a multiple of 2^-40 and the rest.")
    print(f"  static var stepsPerUnit: Double {{ @inline(__always) get {{ {swift_hex(rounded(1 / step))} }} }}")
    print(f"  static var stepHigh: Double {{ @inline(__always) get {{ {swift_hex(float(step_high))} }} }}")
    print(f"  static var stepLow: Double {{ @inline(__always) get {{ {swift_hex(rounded(step - step_high))} }} }}")
    print("  // (e^r - 1 - r - r^2/2) / r^3 on |r| < ln 2 / 256.")
    for i, c in enumerate(exponential):
        print(f"  static var exponential{i + 3}: Double {{ @inline(__always) get {{ {swift_hex(c)} }} }}")
    print("}")


def normal_quantile(p):
    p = mpf(p)
    x = mpf(0)
    tail = p if p < 0.5 else 1 - p
    x = -mp.sqrt(-2 * mp.log(tail)) if tail < mpf("0.02") else (tail - mpf("0.5")) * mpf("2.5")
    for _ in range(60):
        density = mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)
        error = mp.erfc(-x / mp.sqrt(2)) / 2 - tail
        newton = error / density
        step = newton / (1 + x * newton / 2)
        x -= step
        if abs(step) <= abs(x) * mpf(2) ** -120:
            break
    return x if p < 0.5 else -x


def vectors():
    rng = random.Random(20160316)

    def emit(name, x, exact):
        result = rounded(exact)
        residual = 0.0 if math.isinf(result) else rounded(exact - mpf(result))
        print(f"{name} {bits(x):016x} {bits(result):016x} {bits(residual):016x}")

    inputs = []
    inputs += [rng.random() for _ in range(1200)]
    inputs += [(rng.getrandbits(53) + 0.5) * 2.0**-53 for _ in range(400)]
    inputs += [2.0 ** rng.uniform(-64, 0) for _ in range(800)]
    inputs += [2.0 ** rng.uniform(0, 64) for _ in range(600)]
    inputs += [1 + rng.uniform(-1, 1) * 2.0 ** -rng.uniform(4, 52) for _ in range(1200)]
    inputs += [double(bits(1.0) + d) for d in range(-40, 41) if d != 0]
    inputs += [2.0**e for e in range(-1074, 1024, 7)] + [2.0**e for e in range(-64, 65)]
    inputs += [double(rng.getrandbits(52) | 1) for _ in range(60)] + [double(1), double(2), double(3), double((1 << 52) - 1)]
    inputs += [double(rng.randrange(1 << 52, 0x7FF << 52)) for _ in range(300)] + [double((0x7FF << 52) - 1)]
    for slot in range(SLOTS + 1):
        edge = FIRST_SLOT + (slot << SLOT_BITS)
        for d in (-1, 0, 1):
            inputs.append(double(edge + d))
            inputs.append(double(edge + d - (rng.randrange(1, 64) << 52)))
    for x in inputs:
        if 0 < x < math.inf:
            emit("log", x, mp.log(mpf(x)))

    inputs = []
    inputs += [rng.uniform(-745, 709) for _ in range(1200)]
    inputs += [rng.uniform(-40, 40) for _ in range(1200)]
    inputs += [rng.choice((-1, 1)) * 2.0 ** rng.uniform(-60, 0) for _ in range(1200)]
    inputs += [rng.uniform(-745.2, -707) for _ in range(500)]
    inputs += [rng.uniform(709, 709.782) for _ in range(60)]
    inputs += [float(i) for i in range(-745, 710, 3)]
    step = mp.log(2) / SLOTS
    for _ in range(500):
        k = rng.randrange(-745 * 184, 709 * 184)
        near = bits(float((k + mpf(rng.choice((0, 0.5)))) * step))
        for d in (-1, 0, 1):
            inputs.append(double(near + d))
    inputs += [709.782712893384, -745.1332191019411, -745.1332191019412, -708.3964185322641, -708.396418532264]
    for x in inputs:
        emit("exp", x, mp.exp(mpf(x)))

    inputs = [rng.random() for _ in range(1500)]
    inputs += [2.0 ** -rng.uniform(1, 60) for _ in range(500)]
    inputs += [1 - 2.0 ** -rng.uniform(1, 53) for _ in range(500)]
    inputs += [0.5 + rng.choice((-1, 1)) * 2.0 ** -rng.uniform(1, 50) for _ in range(500)]
    inputs += [0.075, 0.925, math.exp(-25), 2.0**-53, 1 - 2.0**-53]
    for x in inputs:
        if 0 < x < 1 and x != 0.5:
            emit("normal", x, normal_quantile(x))


if __name__ == "__main__":
    {"tables": tables, "vectors": vectors}[sys.argv[1]]()

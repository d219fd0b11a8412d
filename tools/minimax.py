"""Prints the polynomials of crates/kernels/src/math: minimax fits by Remez exchange, in 40 digits.

    python tools/minimax.py        (needs mpmath)

A fit of degree n errs equally far n + 2 times, with alternating signs. Each round solves for the polynomial that does so at the current
points, then moves the points to where the error is largest.
"""

from mpmath import cos, erfc, exp, lu_solve, matrix, mp, mpf, nstr, pi, sqrt, tanh, log

mp.dps = 40
GRID = 2000


def minimax(function, weight, low, high, degree, rounds=25):
    """Coefficients, lowest first, and the largest weighted error on [low, high]."""
    count = degree + 2
    middle, half = (low + high) / 2, (high - low) / 2
    points = [middle - half * cos(pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    grid = [low + (high - low) * mpf(i) / GRID for i in range(GRID + 1)]
    for _ in range(rounds):
        system, right = matrix(count, count), matrix(count, 1)
        for i, x in enumerate(points):
            for j in range(degree + 1):
                system[i, j] = x**j
            system[i, degree + 1] = (-1) ** i / weight(x)
            right[i] = function(x)
        solution = lu_solve(system, right)
        coefficients = [solution[j] for j in range(degree + 1)]
        errors = [weight(x) * (sum(c * x**j for j, c in enumerate(coefficients)) - function(x)) for x in grid]
        # The largest error of each stretch of one sign.
        peaks, best = [], 0
        for i in range(1, GRID + 1):
            if (errors[i] > 0) != (errors[best] > 0):
                peaks.append(best)
                best = i
            elif abs(errors[i]) > abs(errors[best]):
                best = i
        peaks.append(best)
        while len(peaks) > count:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < count:
            break
        moved = [grid[i] for i in peaks]
        if all(abs(a - b) < (high - low) / GRID / 2 for a, b in zip(moved, points)):
            break
        points = moved
    return coefficients, max(abs(error) for error in errors)


def show(name, fit):
    coefficients, error = fit
    print(f"{name}: largest relative error {nstr(error, 3)}")
    for coefficient in coefficients:
        print("   ", nstr(coefficient, 10))


def tanh_over_x(square):
    return tanh(sqrt(square)) / sqrt(square) if square > mpf("1e-20") else 1 - square / 3


def scaled_erfc_over_t(t):
    z = (1 / t - 1) / mpf("0.4")
    return exp(z * z) * erfc(z) / t


if __name__ == "__main__":
    edge = log(2) / 2 * mpf("1.001")
    show("exp(r), |r| <= ln(2)/2", minimax(exp, lambda r: exp(-r), -edge, edge, 6))
    show(
        "tanh(x)/x in x^2, |x| <= 0.625",
        minimax(tanh_over_x, lambda u: 1 / tanh_over_x(u), mpf(0), mpf("0.625") ** 2, 5),
    )
    show(
        "exp(z^2) erfc(z) / t in t = 1/(1 + 0.4 z), 0 <= z <= 9.5",
        minimax(scaled_erfc_over_t, lambda t: 1 / scaled_erfc_over_t(t), 1 / (1 + mpf("0.4") * mpf("9.5")), mpf(1), 8),
    )

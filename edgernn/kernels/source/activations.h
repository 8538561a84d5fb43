// Activation functions on single numbers, for loops that compilers turn into vector instructions.
//
// Additions, multiplications, divisions and fused multiply-adds round alike on every processor, so all instruction
// sets give the same bits (the library is compiled without contraction and without fast-math).
#pragma once

#include <cstdint>
#include <cstring>

// Before a loop whose turns do not depend on each other, which a compiler cannot always see.
#if defined(__clang__)
#define EDGERNN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define EDGERNN_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace edgernn {
namespace {

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

inline uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

inline float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

// 1.5 × 2^23: added to a number below 2^22, it rounds it, and the last bits of the sum are the integer.
constexpr float kRounder = 12582912.0f;

inline float clamped(float x, float limit) {  // NaN stays NaN
  x = x > limit ? limit : x;
  return x < -limit ? -limit : x;
}

// e^x = 2^n (1 + rest), where |x| ≤ 87 and the rest is that of a number of at most ln 2 ÷ 2.
struct Exponential {
  float power;
  float rest;

  explicit Exponential(float x) {
    const float shifted = fused(x, 1.44269504f, kRounder);
    const float n = shifted - kRounder;
    // ln 2 in two parts, of which the first has few enough bits for exact products.
    const float r = fused(n, 2.12194440e-4f, fused(n, -0.693359375f, x));
    float p = 1.0f / 720;
    p = fused(p, r, 1.0f / 120);
    p = fused(p, r, 1.0f / 24);
    p = fused(p, r, 1.0f / 6);
    p = fused(p, r, 0.5f);
    rest = fused(p * r, r, r);
    power = float_of((bits_of(shifted) << 23) + (127u << 23));
  }
};

// Off by at most 1.5e-7, for small numbers by at most 6e-7 of the value; NaN stays NaN.
inline float tanh_of(float x) {
  const Exponential e(2.0f * clamped(x, 20.0f));
  const float less_one = fused(e.power, e.rest, e.power - 1.0f);  // e^2x − 1
  return less_one / (less_one + 2.0f);
}

// Off by at most 1.1e-7; NaN stays NaN.
inline float sigmoid_of(float x) {
  const Exponential e(-clamped(x, 87.0f));
  return 1.0f / (1.0f + fused(e.power, e.rest, e.power));
}

// e^x, where |x| ≤ 87.
inline float exponential_of(float x) {
  const Exponential e(x);
  return fused(e.power, e.rest, e.power);
}

// σ(a) ÷ (σ(a) + σ(b)); NaN stays NaN.
//
// That is (1 + e^-b) ÷ (2 + e^-a + e^-b), where all is taken times e^m so that nothing overflows.
inline float share_of(float a, float b) {
  a = clamped(a, 3e38f);
  b = clamped(b, 3e38f);
  const float lower = a < b ? a : b;
  const float m = lower < 0.0f ? lower : 0.0f;
  const float one = exponential_of(clamped(m, 87.0f));
  const float of_a = one + exponential_of(clamped(m - a, 87.0f)), of_b = one + exponential_of(clamped(m - b, 87.0f));
  return of_b / (of_a + of_b);
}

// max(x, 0); NaN stays NaN.
inline float relu_of(float x) { return x < 0.0f ? 0.0f : x; }

inline float identity_of(float x) { return x; }

// x + 1/2 for x ≥ 0, σ(x) for x < 0.
inline float positive_of(float x) {
  const float below = sigmoid_of(x);
  return x >= 0.0f ? x + 0.5f : below;
}

}  // namespace
}  // namespace edgernn

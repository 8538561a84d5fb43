// What the x86 sets of 512-bit vectors share.
#pragma once

#include <immintrin.h>

#include "over_time.h"

namespace edgernn {
namespace {

// Thirty-two registers.
struct Shape512 {
  static constexpr int kTilesAlone = 2;
  static constexpr int kVectorsAlone = 4;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 6;
};

struct Float512 {
  using Shape = Shape512;
  static constexpr int kLanes = 16;
  using V = __m512;

  static V load(const float* from) { return _mm512_loadu_ps(from); }
  static void store(float* to, V v) { _mm512_storeu_ps(to, v); }
  static V broadcast(const float* from) { return _mm512_set1_ps(*from); }
  static V add(V a, V b) { return _mm512_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm512_mul_ps(a, b); }
  static V fused(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  static void settle(V& v) { asm("" : "+v"(v)); }
};

}  // namespace
}  // namespace edgernn

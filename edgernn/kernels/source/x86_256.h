// What the x86 sets of 256-bit vectors share.
#pragma once

#include <immintrin.h>

#include "over_time.h"

namespace edgernn {
namespace {

// Sixteen registers.
struct Shape256 {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 8;
  static constexpr int kVectors = 4;
  static constexpr int kRows = 3;
};

struct Float256 {
  using Shape = Shape256;
  static constexpr int kLanes = 8;
  using V = __m256;

  static V load(const float* from) { return _mm256_loadu_ps(from); }
  static void store(float* to, V v) { _mm256_storeu_ps(to, v); }
  static V broadcast(const float* from) { return _mm256_broadcast_ss(from); }
  static V add(V a, V b) { return _mm256_add_ps(a, b); }
  static V multiply(V a, V b) { return _mm256_mul_ps(a, b); }
  static V fused(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  static void settle(V& v) { asm("" : "+x"(v)); }
};

}  // namespace
}  // namespace edgernn

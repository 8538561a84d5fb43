// Plain C++ for any processor, and what the other sets are compared with.
#include "../over_time.h"
#include "../storage.h"

namespace edgernn {
namespace {

struct PlainShape {
  static constexpr int kTilesAlone = 1;
  static constexpr int kVectorsAlone = 1;
  static constexpr int kVectors = 1;
  static constexpr int kRows = 4;
};

struct Float {
  using Shape = PlainShape;
  static constexpr int kLanes = 16;
  struct V {
    float at[kLanes];
  };

  static V zero() { return V{}; }
  static V load(const float* from) {
    V v;
    std::memcpy(v.at, from, sizeof v.at);
    return v;
  }
  static void store(float* to, const V& v) { std::memcpy(to, v.at, sizeof v.at); }
  static V broadcast(const float* from) {
    V v;
    for (float& lane : v.at) lane = *from;
    return v;
  }
  static V add(const V& a, const V& b) {
    V v;
    for (int i = 0; i < kLanes; ++i) v.at[i] = a.at[i] + b.at[i];
    return v;
  }
  static V multiply(const V& a, const V& b) {
    V v;
    for (int i = 0; i < kLanes; ++i) v.at[i] = a.at[i] * b.at[i];
    return v;
  }
  static void settle(V&) {}
  // Not fused: without an instruction for it that is a call for every number, and products are only compared
  // within a tolerance.
  static V fused(const V& a, const V& b, const V& c) { return add(multiply(a, b), c); }
};

struct Dot {
  using Shape = PlainShape;
  static constexpr int kLanes = 16;
  static constexpr int kOffset = 0;
  struct V {
    int32_t at[kLanes];
  };
  using Inputs = const int8_t*;
  using Weights = const int8_t*;

  static V start(const int32_t*) { return V{}; }
  static Inputs broadcast(const uint8_t* group) { return reinterpret_cast<const int8_t*>(group); }
  static Weights load(const int8_t* weights) { return weights; }
  static V add(const V& sums, Inputs x, Weights weights) {
    V v = sums;
    for (int i = 0; i < kLanes; ++i) {
      for (int k = 0; k < kGroup; ++k) v.at[i] += x[k] * weights[i * kGroup + k];
    }
    return v;
  }
  static void settle(V&) {}
  static Float::V to_float(const V& v) {
    Float::V out;
    for (int i = 0; i < kLanes; ++i) out.at[i] = static_cast<float>(v.at[i]);
    return out;
  }
};

struct Four {
  using Shape = PlainShape;
  static constexpr int kLanes = 16;
  using V = Dot::V;
  using Inputs = const int8_t*;
  using Weights = const uint8_t*;

  static V start(const int32_t* sum) {
    V v;
    for (int32_t& lane : v.at) lane = *sum;
    return v;
  }
  static Inputs broadcast(const int8_t* group) { return group; }
  static Weights load(const uint8_t* weights) { return weights; }
  static V add(const V& sums, Inputs x_low, Inputs x_high, Weights weights) {
    V v = sums;
    for (int i = 0; i < kLanes; ++i) {
      for (int k = 0; k < kGroup; ++k) {
        const uint8_t both = weights[i * kGroup + k];
        v.at[i] += x_low[k] * (both & 15) + x_high[k] * (both >> 4);
      }
    }
    return v;
  }
  static void settle(V&) {}
  static Float::V to_float(const V& v) { return Dot::to_float(v); }
  static Float::V scales(const uint16_t* halves) {
    Float::V v;
    for (int i = 0; i < kLanes; ++i) v.at[i] = widen_half(halves[i]);
    return v;
  }
  // All sets give the same bits.
  static Float::V fused(const Float::V& a, const Float::V& b, const Float::V& c) {
    Float::V v;
    for (int i = 0; i < kLanes; ++i) v.at[i] = edgernn::fused(a.at[i], b.at[i], c.at[i]);
    return v;
  }
};

using Frame = OverTime<Float, Dot, Four>;

}  // namespace

extern const InstructionSet kPlain = {"plain", Frame::scratch_bytes, Frame::run};

}  // namespace edgernn

// Golden vectors: what the model computed where the app was made.
#pragma once

#include "stream.hpp"

namespace edge {

/// The model does not compute here what it computed where it was made.
struct GoldenError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Make the calls of golden.json in the model's folder and compare. Gives the largest difference, as a part of what is
/// allowed; throws a GoldenError where an output differs by more.
double check_golden(const Model& model);

/// Write a number as an element of an array of that type; the reverse of `number_at`.
void put_number(void* data, ONNXTensorElementDataType type, std::size_t index, double number);

/// An element of an array as a number.
double number_at(const void* data, ONNXTensorElementDataType type, std::size_t index);

}  // namespace edge

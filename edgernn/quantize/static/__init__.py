"""Parts of int8-static: which tensors share a scale, what values they take, and the nodes that round them."""

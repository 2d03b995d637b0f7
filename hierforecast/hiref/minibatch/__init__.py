"""The second engine: mini-batches of rows, for losses that moments cannot say and for curves that are to be learned.

Choices
- The same equations and the same penalties as on moments, so on squared loss both engines find the same forecasts.
- All rows lie on the device as tensors and batches are shuffled indices into them; nothing is done row by row.
- Adam runs in float32 everywhere. Full-batch work and sums run in float64 on CPU and CUDA, in float32 on MPS, which
  has nothing wider.
- Learned decays, half saturations and slopes come back as settings, so that forecasting and saving know no third kind.
- `torch.compile` and mixed precision are left out: a step is a handful of small kernels.
"""

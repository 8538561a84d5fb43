"""Front ends: what an app has, as a network takes it."""

"""The places inside TensorFlow from which programs import although they are not its public names."""

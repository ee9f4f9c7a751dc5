"""The op and kernel layer that both front-ends share."""

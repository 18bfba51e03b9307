"""Side-by-side measurements: this engine and PEFT on the same machine, in the same run, with the same inputs."""

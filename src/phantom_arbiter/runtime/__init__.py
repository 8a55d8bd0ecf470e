"""The shell around the kernel: ports, clock, sequencer, router, supervisor."""

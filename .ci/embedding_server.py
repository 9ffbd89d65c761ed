"""Serve a GGUF file for embeddings with the llama.cpp of the package xllamacpp; stop with SIGTERM.

usage: embedding_server.py MODEL PORT ALIAS      (127.0.0.1 only)
"""

import signal
import sys

import xllamacpp

model, port, alias = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = model
params.model_alias = {alias}
params.hostnames = ["127.0.0.1"]
params.port = int(port)
params.n_ctx, params.n_parallel, params.warmup = 512, 1, False
params.embedding = True
params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
signal.sigwait({signal.SIGTERM, signal.SIGINT})

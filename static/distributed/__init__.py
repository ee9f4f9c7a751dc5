"""Graphs that are run on several processes: sessions on a Dask cluster (``tf.Session("dask://...")``).

``cluster`` names jobs and tasks, ``placement`` says where each node runs, ``partition`` cuts a run's steps into parts,
``worker`` has what runs one part, ``exchange`` takes tensors from part to part, and ``session`` drives them all. Nothing
here loads Dask before a session asks for a cluster.
"""

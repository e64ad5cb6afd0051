# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: -jupytext.text_representation.jupytext_version
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # What happened on this footage?
#
# Who stayed in a zone, what was said to them, whether they left, and how sure we can be of it.
#
# **Data**: a data folder that `forewarn run SITE --until-end` filled. `make demo` makes `var/demo`
# out of 79.5 s of pedestrians on a campus crossing (samples/crossing.mp4), with events in
# `events.sqlite` and sealed evidence in `evidence/`. The events tell of offences; who merely passed
# is found again by watching the footage once more, with the same models and steps.
#
# **Shows**: a table of the offences, a timeline of tracks and calls, the detector's scores, and one
# offence as a contact sheet. Faces are masked in the pixels before anything is drawn.

# %%
# %matplotlib inline
# ruff: noqa: E402  # the filter has to be in place before the imports that warn
import warnings
from contextlib import ExitStack, closing

warnings.filterwarnings("ignore", message="IProgress not found")  # a library's, of a missing widget

from domain.data_dir import DataDir
from domain.site.loading import load_site
from flows.reports.contact_sheet import best_contact_sheet
from flows.reports.contact_sheet_figure import draw_contact_sheet
from flows.reports.offences import offence_table, pick_most_telling, read_offences
from flows.reports.replay import replay_site
from flows.reports.scores import draw_scores
from flows.reports.timeline import draw_timeline
from forewarn.programs.triton import serving
from models.registry import ROOT
from models.serving.client import Detector, FaceDetector, connect

# %% tags=["parameters"]
data_folder = "var/demo"  # relative to the repository
site_file = "samples/site.yaml"  # the one that the run used
triton = ""  # HOST:PORT; "": the data folder's own server, else one is started meanwhile
watches_again = True  # False: events and sealed snapshots only, no server needed
pictures = 12  # of the contact sheet

# %%
data = DataDir(ROOT / data_folder)
site_path = ROOT / site_file
site = load_site(site_path)

# %% [markdown]
# ## The offences
#
# As the event log tells them. *Stayed* counts from the first frame in the zone; for those who left,
# up to the last one in it. *Unknown* means that the footage ended first: nobody can say.

# %%
offences = read_offences(data)
offence_table(offences, site.site.timezone)

# %% [markdown]
# ## Watching once more
#
# The same steps as in the running system, called one after the other. If the footage, the models
# and the site file are those of the run, every sighting in the log is found on its very frame.

# %%
offence = pick_most_telling(offences)
watched, faces = {}, None
with ExitStack() as opened:  # ends the server, if it is started here
    if watches_again:
        server = opened.enter_context(serving(triton or None, data))
        connection = opened.enter_context(closing(connect(server.address)))
        faces = FaceDetector(connection)
        watched, report = replay_site(site, site_path.parent, Detector(connection), offences)
        print("\n".join(report))
    sheet = best_contact_sheet(offence, watched, data, faces, pictures)

# %% [markdown]
# ## When
#
# A line is one person (to the tracker: one who vanished and was found again under a new number is
# two). A thick bar is an offence: it begins with the first frame in the zone, changes colour with
# each call, and ends with the outcome's mark.

# %%
draw_timeline(site, offences, watched)

# %% [markdown]
# ## How sure
#
# Scores are what the detector says, not probabilities. What lies under the line is not used by any
# rule. Many scores just above it mean that people are lost and found again: their stays break.

# %%
draw_scores(site, offences, watched)

# %% [markdown]
# ## One offence, replayed
#
# The one that climbed highest. Pictures come out of the sealed clip; bold ones are the moments that
# the log tells of. The heads of everybody whom the detector sees, however weakly, are masked, whether
# or not a face was found; look all the same before you show a picture to others.

# %%
draw_contact_sheet(site, sheet) if sheet is not None else "no offence, or nothing kept of it"

# %% [markdown]
# ## Where to go on
#
# `forewarn evidence show ID` has every file and hash of one offence, `forewarn events --json` each
# event. A threshold or a score to try: change it in a copy of the site file, run with another
# `--data`, and open this notebook on that folder.

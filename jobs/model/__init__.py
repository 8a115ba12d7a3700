"""Stage `train`: a model that predicts failures, and how it does beside a rule that anybody can check."""

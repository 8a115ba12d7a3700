"""What decides what a run does, each table of it with one module that reads and writes it.

What arrived of one source for one night is pending, reconciled and published as a whole; silver reconciles the pending
nights of a source as one batch. The life of such a night:

    landed files
        | bronze: rows with `_night`
        v
     pending <-----------------------------+
        | silver: accounts.reconcile       | silver: accounts.reopen, when another night has a row that takes one
        v                                  | of its keys or corrects it; bronze, when more rows of it arrive
    reconciled ----------------------------+
        | gold: staged_slices.stage        |
        v                                  |
      staged --------> superseded: staged_slices.publish of a later run's staging of the same slice
        | check_gold: passes, and only     |
        v then Airflow goes on             |
     checked                               |
        | publish: staged_slices.publish,  |
        v accounts.publish                 |
    published -----------------------------+

Pending is a night of a source without an account, with one that does not balance, or with more bronze rows than its
account counts, and one that a run has begun to merge and not accounted for (`begun_batches`): what silver has of it
nobody knows. Reconciled is one whose account balances: `landed = bronze = silver + quarantined + duplicates +
corrections`. Of which event dates it lost rows since it was published stays with the account until it is published
again; one that lost values alone stays reconciled, and is published again (`accounts.restate`). One of which
`check_silver` refused silver is marked (`accounts.refuse`), and gold stages nothing of it, in whichever run, until a
check that begins afterwards passes; a source of which `check_bronze` refused bronze is marked, too (`refused_bronze`),
and silver reconciles nothing of it. What another run has reconciled since a run's own `check_silver`, or has begun
(`surveys`), its gold leaves to that run, or to whichever reconciles it when that was killed. Published is one whose
account says so: every gold table made from its source, but those that cannot have rows yet, was published after the
batch was reconciled. Until then each run makes again what it touches. Staged, checked and superseded are states of gold
slices of a run, and no account knows of them. All functions are safe to repeat, and a run that ends anywhere is
completed by the next one.
"""

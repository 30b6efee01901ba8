# SPDX-License-Identifier: Apache-2.0
"""Who may administer: administrators, their passwords and second proofs, sessions, API tokens, and the audit.

    access          Access: the room put together; begin here
      .sign_in        SignIn.begin, give_code, give_password, enrolment, change_password, offer_totp: Done, Step, Refused, Faulty, Later
      .sessions       Sessions.find(cookie): Session.may("people:write"), .actor(client), .form_token; own, end, end_all, sign_out
      .administrators Administrators.list, get, add, change(Change): Changed or Refusal
      .tokens         Tokens.check(token): TokenUse.may, .actor; make, list, revoke
      .audit          AuditLog.append, the `Audit` of contracts/actor; search(AuditSearch), drop_before
    service         what the command line on this machine may ask
    record          what others learn: Administrator, Session, Token, TokenUse, AuditLine, Refusal; no secret among it
    roles           four roles, the rights they give, scopes

    sign_in         the steps of a sign-in                     settling   what one transaction decides of it (a table)
    tickets         what is proved between the steps           lockout    how long an account stays locked (pure)
    passwords       the rule, argon2id in threads              totp       codes, and the step each is good for
    sealing         a key file and AES-GCM                     rates      token buckets by client
    changing        transactions that outlive their asker      remembered what was read lately, never older than a change
    accounts, session_rows, token_rows, statements             the SQL

Rules: rights are checked by who asks (`may`), and of administrators and tokens once more in the transaction; a change without
its audit row is not made; only `Done.cookie`, `MadeToken.secret`, `Changed.one_time_password` and `Enrolment` hold secrets,
each shown once. docs/decisions/0023-administrators.md says why.
"""

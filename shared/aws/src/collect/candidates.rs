//! The other principals of the account: one of them may be the one that should have called.

use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::Account;

use super::Reader;
use crate::survey;

const LAYER: &str = "identity-policy";
const CALL: &str = "iam:GetAccountAuthorizationDetails";

impl Reader {
    /// Adds the account's other principals to what was read of the caller.
    pub(super) async fn read_others(&self, account: &mut Account) {
        let id = account.id.clone();
        if self.candidate_calls == 0 {
            account.others_gap = Some(not_read(GapReason::AccessDenied, "they are not looked at in this setting"));
            return;
        }
        let others =
            self.cache.others.get_or(id.clone(), survey::iam(&self.clients, &id, self.candidate_calls, |_| ()));
        let others = others.await;
        if let Some(gap) = others.iam_gap {
            account.others_gap = Some(not_read(gap.reason, &gap.summary));
            return;
        }
        // What was read of the caller by itself stays as it is: it is what the diagnosis rests on.
        let known = |arn: &str| {
            account.users.iter().any(|user| user.entity.arn == arn)
                || account.roles.iter().any(|role| role.entity.arn == arn)
                || account.groups.iter().any(|group| group.arn == arn)
        };
        let users: Vec<_> = others.users.into_iter().filter(|user| !known(&user.entity.arn)).collect();
        let roles: Vec<_> = others.roles.into_iter().filter(|role| !known(&role.entity.arn)).collect();
        let groups: Vec<_> = others.groups.into_iter().filter(|group| !known(&group.arn)).collect();
        account.users.extend(users);
        account.roles.extend(roles);
        account.groups.extend(groups);
        for (arn, policy) in others.managed_policies {
            account.managed_policies.entry(arn).or_insert(policy);
        }
    }
}

fn not_read(reason: GapReason, why: &str) -> Gap {
    Gap {
        layer: LAYER.to_owned(),
        source: CALL.to_owned(),
        reason,
        summary: format!("whether another principal of the account may send this is not known: {why}"),
    }
}

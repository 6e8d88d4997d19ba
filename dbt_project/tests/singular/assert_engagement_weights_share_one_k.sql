-- Guards the seed: k belongs to the score, not to a class.
select count(distinct k) as different_k from {{ ref("engagement_weights") }} having count(distinct k) > 1

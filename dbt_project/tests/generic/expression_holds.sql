-- The expression is true in every row; unknown counts as true.
{% test expression_holds(model, expression) %} select * from {{ model }} where not ({{ expression }}) {% endtest %}
